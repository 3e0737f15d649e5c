// What one program asked of the API server, counted from the audit log. For benchmarks and tests of what may be written.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';

const writeVerbs = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

interface AuditEvent {
  readonly userAgent?: string;
  readonly verb: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
}

/** How often each thing was asked, by "VERB RESOURCE[/SUBRESOURCE]". Watches count when they end. */
export class RequestCounts {
  readonly byRequest = new Map<string, number>();

  add(name: string): void {
    this.byRequest.set(name, (this.byRequest.get(name) ?? 0) + 1);
  }

  get byVerb(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [name, count] of this.byRequest) counts[verbOf(name)] = (counts[verbOf(name)] ?? 0) + count;
    return counts;
  }

  /** Everything but get, list and watch; events and status included. */
  get written(): Record<string, number> {
    return Object.fromEntries([...this.byRequest].filter(([name]) => writeVerbs.has(verbOf(name))));
  }

  /** How many they are. */
  get writes(): number {
    return Object.values(this.written).reduce((sum, count) => sum + count, 0);
  }
}

const verbOf = (name: string): string => name.slice(0, name.indexOf(' '));

export class AuditLog {
  readonly #file: string;
  readonly #userAgent: string;
  /** Up to where the file has been read. */
  #offset = 0;

  /** @param userAgent what the user agent of the program that counts starts with */
  constructor(file: string | undefined, userAgent: string) {
    if (file === undefined) throw new Error('the control plane writes no audit log');
    this.#file = file;
    this.#userAgent = userAgent;
  }

  /** What the program asked since the last call. The API server logs a request before its caller has the whole answer. */
  async read(): Promise<RequestCounts> {
    const { size } = await stat(this.#file);
    const counts = new RequestCounts();
    if (size === this.#offset) return counts;
    const input = createReadStream(this.#file, { start: this.#offset, end: size - 1 });
    this.#offset = size;
    for await (const line of createInterface({ input })) {
      const event = JSON.parse(line) as AuditEvent;
      if (event.userAgent?.startsWith(this.#userAgent) !== true) continue;
      const { resource = 'nothing', subresource } = event.objectRef ?? {};
      counts.add(`${event.verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`);
    }
    return counts;
  }
}
