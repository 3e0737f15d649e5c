// The live heap of another Node.js process that was started with --inspect, after a garbage collection.
import { waitUntil } from '../../tools/kubernetes/wait-until.ts';

interface Target {
  readonly webSocketDebuggerUrl: string;
}
interface Answer {
  readonly id?: number;
  readonly result?: { readonly usedSize?: number };
  readonly error?: { readonly message: string };
}

export class InspectedHeap {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      this.#waiting.get(answer.id ?? 0)?.(answer);
    });
  }

  /** @param port as in --inspect=127.0.0.1:PORT */
  static async open(port: number): Promise<InspectedHeap> {
    const url = await waitUntil('the inspector', 10_000, async () => {
      const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as Target[];
      return targets[0]?.webSocketDebuggerUrl;
    });
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', () => reject(new Error(`no connection to ${url}`)));
    });
    return new InspectedHeap(socket);
  }

  /** The size of the live heap, in MiB. */
  async usedMiB(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage');
    const { result } = await this.#call('Runtime.getHeapUsage');
    return (result?.usedSize ?? NaN) / 2 ** 20;
  }

  close(): void {
    this.#socket.close();
  }

  async #call(method: string): Promise<Answer> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise<Answer>(resolve => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method }));
    const answer = await answered;
    this.#waiting.delete(id);
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer;
  }
}
