// A control group with a memory limit, as a container has one. Linux, root, and a writable hierarchy.
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Version 1 has a hierarchy for memory; version 2 has one for all. */
const candidates = [
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', kills: 'memory.oom_control' },
  { root: '/sys/fs/cgroup', limit: 'memory.max', kills: 'memory.events' },
] as const;

export class MemoryCgroup {
  readonly #folder: string;
  readonly #kills: string;

  private constructor(folder: string, kills: string) {
    this.#folder = folder;
    this.#kills = kills;
  }

  /** Undefined where this process may not create one. */
  static async create(name: string, limitBytes: number): Promise<MemoryCgroup | undefined> {
    for (const { root, limit, kills } of candidates) {
      const folder = path.join(root, name);
      try {
        await mkdir(folder);
      } catch {
        continue;
      }
      try {
        await writeFile(path.join(folder, limit), String(limitBytes));
        return new MemoryCgroup(folder, path.join(folder, kills));
      } catch {
        await rmdir(folder);
      }
    }
    return undefined;
  }

  /** A command that runs the one after it in the group. */
  get command(): readonly string[] {
    return ['/bin/sh', '-c', 'echo $$ > "$0" && exec "$@"', path.join(this.#folder, 'cgroup.procs')];
  }

  /** How many processes the kernel has killed because the group had no memory left. */
  async kills(): Promise<number> {
    const [, count = '0'] = /^oom_kill (\d+)$/m.exec(await readFile(this.#kills, 'utf8')) ?? [];
    return Number(count);
  }

  /** Call when no process is left in it. */
  async remove(): Promise<void> {
    await rmdir(this.#folder);
  }
}
