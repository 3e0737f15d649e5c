// RecordLog: what the fake recorders of both APIs keep.
import { Subject } from 'rxjs';
import type { Annotations } from './event-policy.ts';
import { formatMessage } from '../../logging/format-message.ts';
import { checkedReference, type RecordedCall, type RecorderOptions } from './recording.ts';

/** The options of both fake recorders. */
export interface RecordLogOptions extends RecorderOptions {
  /** Throws where a real recorder would drop the event as invalid. Default: false. */
  readonly strict?: boolean | undefined;
}

/** A call, with its message instead of the format. */
export type Recorded<C extends RecordedCall> = Omit<C, 'format' | 'args'> & { readonly message: string };

export class RecordLog<C extends RecordedCall> {
  readonly #lines: string[] = [];
  readonly #records: Recorded<C>[] = [];
  readonly #added = new Subject<string>();
  readonly lines: readonly string[] = this.#lines;
  readonly records: readonly Recorded<C>[] = this.#records;
  readonly lines$ = this.#added.asObservable();

  /** @throws an Error, if `strict`, where a real recorder would drop the event as invalid */
  add(call: C, { kindOf, strict = false }: RecordLogOptions, lineOf: (message: string) => string): void {
    const { fault } = strict ? checkedReference(call, { kindOf, isLenient: false, checksReason: true }) : {};
    if (fault !== undefined) throw new Error(`${fault.message}: ${String(fault.fields.object)}`, { cause: fault.fields.error });
    const { format, args, ...rest } = call;
    const message = formatMessage(format, args);
    const line = lineOf(message);
    this.#records.push({ ...rest, message });
    this.#lines.push(line);
    this.#added.next(line);
  }
}

/** As Go prints a map; empty if the map is. */
export function annotationsText(annotations: Annotations = {}): string {
  const names = Object.keys(annotations).sort();
  return names.length === 0 ? '' : ` map[${names.map(name => `${name}:${annotations[name] ?? ''}`).join(' ')}]`;
}
