// A client of the nodes of a network, as one behind its Service: it calls them in turn, ten times a second, and another one while one does not
// listen. It records each call whose credentials were refused.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Credentials, RpcClient } from '../../src/bitcoin/rpc/rpc-client.ts';
import { BitcoinTransportError } from '../../src/bitcoin/rpc/rpc-errors.ts';
import { rpcPort } from '../../src/bitcoin/api/names.ts';

export class CallingClient {
  answered = 0;
  /** The nodes that refused the credentials, one entry for each call. */
  readonly refusals: string[] = [];
  credentials: Credentials;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  /** @param addresses those of the nodes that are ready */
  constructor(credentials: Credentials, addresses: () => Promise<readonly string[]>) {
    this.credentials = credentials;
    this.#running = this.#run(addresses);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(addresses: () => Promise<readonly string[]>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const [, hosts] = await Promise.all([sleep(100), addresses()]);
      const first = this.answered % Math.max(1, hosts.length);
      await this.#call([...hosts.slice(first), ...hosts.slice(0, first)]);
    }
  }

  async #call(hosts: readonly string[]): Promise<void> {
    const { credentials } = this;
    for (const host of hosts)
      try {
        await new RpcClient({ host, port: rpcPort, credentials }).batch([{ method: 'uptime' }], { timeoutMs: 2_000 });
        this.answered += 1;
        return;
      } catch (error) {
        // A node that is being restarted does not listen.
        if (error instanceof BitcoinTransportError && error.failure === 'unauthorized') this.refusals.push(host);
      }
    // The addresses may be those of a moment ago: the next call has newer ones.
  }
}
