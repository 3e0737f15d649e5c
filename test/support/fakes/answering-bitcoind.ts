// A JSON-RPC server that answers each call of a batch with what a test says. For tests of calls that the simulated bitcoind does not know.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ResultOf = (method: string, params: readonly unknown[]) => unknown;

export class AnsweringBitcoind {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param onBatch receives the calls of each batch before they are answered */
  static async start(
    resultOf: ResultOf,
    onBatch: (calls: readonly string[][]) => void = () => undefined,
  ): Promise<AnsweringBitcoind> {
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', piece => (body += String(piece)));
      request.on('end', () => {
        const calls = JSON.parse(body) as { id: number; method: string; params: unknown[] }[];
        onBatch(calls.map(({ method, params }) => [method, ...params.map(String)]));
        const text = JSON.stringify(
          calls.map(({ id, method, params }) => ({ jsonrpc: '2.0', id, result: resultOf(method, params) })),
        );
        response.writeHead(200, { 'content-length': text.length }).end(text);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new AnsweringBitcoind(server);
  }

  /** What a call to it needs. */
  get node(): { host: string; port: number; credentials: { user: string; password: string } } {
    const { port } = this.#server.address() as AddressInfo;
    return { host: '127.0.0.1', port, credentials: { user: 'alice', password: 'secret' } };
  }

  stop(): void {
    this.#server.close();
  }
}
