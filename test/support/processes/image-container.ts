// A container of a built image, without an engine: the image's own root, read-only, in namespaces of its own, as its own user without
// any right. It has no network but its loopback. For what must hold wherever an image runs; the cluster shows the same for pods.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../../tools/command.ts';

/** What of an image's configuration the tests look at. */
export interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
}

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const user = '10001';

// $1 root, $2 folders to write to; the rest is the command. It becomes process 1 of the container.
const enter = `
root=$1; writable=$2; shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
for folder in $writable; do mount -t tmpfs -o uid=${user},gid=${user},mode=0700 tmpfs "$root$folder"; done
ip link set lo up
exec chroot --userspec=${user}:${user} --groups= "$root" "$@"
`;

/** An image archive, unpacked. */
export class UnpackedImage {
  readonly config: ImageConfig;
  readonly #folder: string;

  private constructor(folder: string, config: ImageConfig) {
    this.#folder = folder;
    this.config = config;
  }

  static async unpack(archive: string): Promise<UnpackedImage> {
    const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-image-test-'));
    const root = path.join(folder, 'root');
    await mkdir(root);
    await run('tar', ['-xf', archive, '-C', folder]);
    const [manifest] = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8')) as [
      { Config: string; Layers: string[] },
    ];
    for (const layer of manifest.Layers) {
      await run('tar', ['-xpf', path.join(folder, layer), '-C', root, '--numeric-owner', '--exclude=dev/*']);
      await rm(path.join(folder, layer), { force: true });
    }
    const { config } = JSON.parse(await readFile(path.join(folder, manifest.Config), 'utf8')) as { config: ImageConfig };
    return new UnpackedImage(folder, config);
  }

  get root(): string {
    return path.join(this.#folder, 'root');
  }

  /** Starts a command in a container of its own; `writable` are the folders that are empty and its own, all else is read-only. */
  start(command: readonly string[], environment: Readonly<Record<string, string>>, writable: readonly string[] = []): Container {
    const namespaces = ['--mount', '--net', '--pid', '--ipc', '--fork'];
    const args = [...namespaces, '/bin/sh', '-ec', enter, 'sh', this.root, writable.join(' '), ...command];
    const image = Object.fromEntries(
      this.config.Env.map(entry => [entry.slice(0, entry.indexOf('=')), entry.replace(/^.*?=/, '')]),
    );
    const env = { ...image, PATH: searchPath, ...environment };
    return new Container(spawn('/usr/bin/unshare', args, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export class Container {
  /** What it has printed so far, on both streams. */
  output = '';
  /** The exit code, 128 and more after a signal. */
  readonly exited: Promise<number>;
  readonly #process: ChildProcess;

  constructor(process: ChildProcess) {
    this.#process = process;
    for (const stream of [process.stdout, process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.exited = once(process, 'close').then(([code]) => (code as number | null) ?? 128);
  }

  /** Runs a command in the running container, as its user, and returns its standard output. */
  async exec(...command: readonly string[]): Promise<string> {
    const target = ['--target', String(await this.#processOne()), '--mount', '--net', '--pid', '--root', '--wd'];
    const args = [...target, '--setuid', user, '--setgid', user, ...command];
    return await run('nsenter', args, { environment: { PATH: searchPath } });
  }

  /** The command line of process 1. */
  async commandLine(): Promise<readonly string[]> {
    const line = await readFile(`/proc/${await this.#processOne()}/cmdline`, 'utf8');
    return line.split('\0').slice(0, -1);
  }

  /** Sends a signal to process 1, as an engine does that stops a container. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    process.kill(await this.#processOne(), signal);
  }

  /** Ends it if it runs. The kernel's own way, by the death of its parent, is lost with the change of the user. */
  async kill(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.signal('SIGKILL');
    await this.exited;
  }

  async #processOne(): Promise<number> {
    const pid = String(this.#process.pid);
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const [first] = children.trim().split(' ');
    if (first === undefined || first === '') throw new Error('The container has no process yet, or no more');
    return Number(first);
  }
}
