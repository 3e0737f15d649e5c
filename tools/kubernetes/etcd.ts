// etcd on loopback for one API server. It never waits for the disk: it is fast, and its data does not survive a crash of the machine.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from './free-port.ts';
import { RunningProgram } from './process.ts';
import { FatalWaitError, waitUntil } from './wait-until.ts';

const startTimeoutMs = 60_000;

export interface EtcdSettings {
  program: string;
  folder: string;
  logs: string;
  setpriv?: string;
}

export class Etcd {
  /** As in http://127.0.0.1:20001 */
  readonly endpoint: string;
  readonly program: RunningProgram;

  private constructor(endpoint: string, program: RunningProgram) {
    this.endpoint = endpoint;
    this.program = program;
  }

  /** Resolves when etcd answers. */
  static async start(settings: EtcdSettings): Promise<Etcd> {
    const client = `http://127.0.0.1:${await freePort('127.0.0.1')}`;
    const peer = `http://127.0.0.1:${await freePort('127.0.0.1')}`;
    await mkdir(settings.folder, { recursive: true, mode: 0o700 });
    const program = await RunningProgram.start({
      name: 'etcd',
      file: settings.program,
      logFile: path.join(settings.logs, 'etcd.log'),
      args: [
        ...['--name=local', `--data-dir=${settings.folder}`, '--unsafe-no-fsync', '--log-level=warn'],
        ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
        ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=local=${peer}`],
      ],
      ...(settings.setpriv === undefined ? {} : { setpriv: settings.setpriv }),
    });
    await waitUntil('etcd', startTimeoutMs, async () => {
      assertRuns(program);
      return (await fetch(`${client}/health`)).ok;
    });
    return new Etcd(client, program);
  }

  /** Compacts all history up to now: a watch from an earlier revision gets 410 Gone. Returns the revision that is kept. */
  async compact(): Promise<number> {
    const range = await this.#call('range', { key: base64('\0'), limit: 1, keys_only: true });
    const revision = Number((range as { header: { revision: string } }).header.revision);
    await this.#call('compaction', { revision, physical: true });
    return revision;
  }

  async #call(method: string, body: object): Promise<unknown> {
    const response = await fetch(`${this.endpoint}/v3/kv/${method}`, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`etcd ${method}: ${response.status} ${await response.text()}`);
    return await response.json();
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Ends a wait for a program that has ended. */
export function assertRuns(program: RunningProgram): void {
  try {
    program.assertRuns();
  } catch (error) {
    throw new FatalWaitError(error instanceof Error ? error.message : String(error));
  }
}
