// A bitcoind on regtest at an address of the loopback, on its usual ports. It connects to nobody by itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { p2pPort, rpcPort } from '../../../src/bitcoin/api/names.ts';
import { type Credentials, type RpcCall, RpcClient, type RpcOutcome } from '../../../src/bitcoin/rpc/rpc-client.ts';
import { providePrograms } from '../../../tools/programs.ts';

export interface RealBitcoindOptions extends Credentials {
  readonly ip: string;
  readonly args?: readonly string[];
}

export class RealBitcoind {
  readonly #access: ConstructorParameters<typeof RpcClient>[0];
  readonly #client: RpcClient;
  readonly #program: string;
  readonly #args: readonly string[];
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(program: string, folder: string, { ip, user, password, args = [] }: RealBitcoindOptions) {
    this.#program = program;
    this.#folder = folder;
    this.#access = { host: ip, port: rpcPort, credentials: { user, password } };
    this.#client = new RpcClient(this.#access);
    const rpc = [
      `-rpcbind=${ip}`,
      '-rpcallowip=127.0.0.0/8',
      `-rpcport=${rpcPort}`,
      `-rpcuser=${user}`,
      `-rpcpassword=${password}`,
    ];
    const peers = [`-bind=${ip}:${p2pPort}`, '-listen=1', '-connect=0', '-listenonion=0', '-dnsseed=0'];
    const memory = ['-dbcache=4', '-maxmempool=5', '-nodebuglogfile'];
    this.#args = ['-regtest', '-server=1', `-datadir=${folder}`, ...rpc, ...peers, ...memory, ...args];
  }

  /** Resolves when it answers. */
  static async start(options: RealBitcoindOptions): Promise<RealBitcoind> {
    const { bitcoind } = await providePrograms(['bitcoind']);
    const started = new RealBitcoind(bitcoind, await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-node-')), options);
    await started.#run();
    return started;
  }

  /** Ends the process and starts it again with the same data: it has forgotten its peers. */
  async restart(...args: readonly string[]): Promise<void> {
    await this.#end();
    await this.#run(args);
  }

  /** The same without its data. */
  async restartEmpty(): Promise<void> {
    await this.#end();
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder);
    await this.#run();
  }

  /** The same by SIGKILL: it loses what it has not written to disk. */
  async killAndRestart(): Promise<void> {
    await this.#end('SIGKILL');
    await this.#run();
  }

  /** The results, in the order of the calls. @throws the first error */
  async call(...calls: RpcCall[]): Promise<unknown[]> {
    return await resultsOf(this.#client, calls);
  }

  /** The same about a wallet. */
  async callWallet(wallet: string, ...calls: RpcCall[]): Promise<unknown[]> {
    return await resultsOf(new RpcClient({ ...this.#access, wallet }), calls);
  }

  async stop(): Promise<void> {
    await this.#end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #run(more: readonly string[] = []): Promise<void> {
    const child = spawn(this.#program, [...this.#args, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    for await (const text of child.stdout.setEncoding('utf8')) if (String(text).includes('Done loading')) break;
    child.stdout.destroy();
  }

  async #end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#process?.exitCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill(signal);
    await exited;
  }
}

async function resultsOf(client: RpcClient, calls: readonly RpcCall[]): Promise<unknown[]> {
  const outcomes = await client.batch(calls, { timeoutMs: 60_000 });
  return outcomes.map((outcome: RpcOutcome) => {
    if ('error' in outcome) throw outcome.error;
    return outcome.result;
  });
}
