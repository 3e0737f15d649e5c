// A network between a client and the API server that a test can break: connections are cut, or held open without passing anything.
import net from 'node:net';

export class TcpProxy {
  readonly #server: net.Server;
  readonly #connections = new Set<{ client: net.Socket; upstream: net.Socket }>();
  #isOpen = true;

  private constructor(target: URL) {
    this.#server = net.createServer(client => {
      if (!this.#isOpen) {
        client.resetAndDestroy();
        return;
      }
      const upstream = net.connect(Number(target.port), target.hostname);
      const connection = { client, upstream };
      this.#connections.add(connection);
      client.pipe(upstream).pipe(client);
      for (const socket of [client, upstream]) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          client.destroy();
          upstream.destroy();
          this.#connections.delete(connection);
        });
      }
    });
  }

  static async start(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target));
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Resets every connection. */
  cut(): void {
    for (const { client, upstream } of this.#connections) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** Refuses every connection until `open()`. */
  close(): void {
    this.#isOpen = false;
    this.cut();
  }

  open(): void {
    this.#isOpen = true;
  }

  /** The connections that are open now stay open, and nothing passes any more: half-open. New ones work. */
  freeze(): void {
    for (const { client, upstream } of this.#connections) {
      client.unpipe(upstream).pause();
      upstream.unpipe(client).pause();
    }
  }

  async stop(): Promise<void> {
    this.close();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
