// FakeRecorder: an EventRecorder for tests of code that records events. Port of client-go v0.37.2 tools/record/fake.go.
import { Subject, type Observable } from 'rxjs';
import { formatMessage } from '../pipeline/format-message.ts';
import { checkedReference, type RecordedCall, type RecorderOptions } from '../pipeline/recording.ts';
import type { Referable } from '../pipeline/reference.ts';
import { BaseEventRecorder, type Annotations, type EventRecorder } from './event-recorder.ts';

/** The options of a `FakeRecorder`. */
export interface FakeRecorderOptions extends RecorderOptions {
  /** Appends the kind of the object to each line. Default: false. */
  readonly includeObject?: boolean | undefined;
  /** Throws where a real recorder would drop the event as invalid. Default: false. */
  readonly strict?: boolean | undefined;
}

/** An event that a `FakeRecorder` was given. */
export interface RecordedEvent {
  readonly object: Referable | null | undefined;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly annotations: Annotations | undefined;
}

/**
 * Keeps each event as a line, `type reason message`, and as an object. Differs from client-go: it never blocks, and takes a `%` in a type or a
 * reason as it is.
 *
 * @example
 * ```ts
 * import { FakeRecorder } from 'bitcoin-controller/record';
 *
 * const recorder = new FakeRecorder({ strict: true });
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0' } };
 * recorder.eventf(pod, 'Warning', 'BackOff', 'restarted %d times', 5); // in the code under test
 * console.log(recorder.events); // prints [ 'Warning BackOff restarted 5 times' ]
 * for (const { object, reason } of recorder.records) console.log(reason, object === pod); // prints BackOff true
 * ```
 */
export class FakeRecorder extends BaseEventRecorder {
  readonly #log = new RecordLog<RecordedEvent>();
  /** The lines so far; grows. */
  readonly events: readonly string[] = this.#log.lines;
  /** The events so far; grows. */
  readonly records: readonly RecordedEvent[] = this.#log.records;
  /** Each line, when it is recorded. */
  readonly events$: Observable<string> = this.#log.lines$;
  readonly #options: FakeRecorderOptions;

  constructor(options: FakeRecorderOptions = {}) {
    super();
    this.#options = options;
  }

  withLogger(): EventRecorder {
    return this;
  }

  protected record(call: RecordedCall): void {
    if (this.#options.strict === true) throwIfInvalid(call, this.#options);
    const { object, annotations, type, reason, format, args } = call;
    const message = formatMessage(format, args);
    const kind = `kind=${object?.kind ?? ''},apiVersion=${object?.apiVersion ?? ''}`;
    const objectText = this.#options.includeObject === true ? ` involvedObject{${kind}}` : '';
    const recorded = { object, type, reason, message, annotations };
    const line = `${type} ${reason} ${message}${objectText}${annotationsText(annotations)}`;
    this.#log.add(line, recorded);
  }
}

/** What the fake recorders of both APIs keep. */
export class RecordLog<R> {
  readonly lines: string[] = [];
  readonly records: R[] = [];
  readonly #added = new Subject<string>();
  readonly lines$ = this.#added.asObservable();

  add(line: string, record: R): void {
    this.records.push(record);
    this.lines.push(line);
    this.#added.next(line);
  }
}

/** @throws an Error where a real recorder would drop the event as invalid */
export function throwIfInvalid(call: RecordedCall, { kindOf }: RecorderOptions): void {
  const { fault } = checkedReference(call, { kindOf, isLenient: false, checksReason: true });
  if (fault !== undefined) throw new Error(`${fault.message}: ${String(fault.fields.object)}`, { cause: fault.fields.error });
}

/** As Go prints a map; empty if the map is. */
export function annotationsText(annotations: Annotations = {}): string {
  const names = Object.keys(annotations).sort();
  return names.length === 0 ? '' : ` map[${names.map(name => `${name}:${annotations[name] ?? ''}`).join(' ')}]`;
}

/** client-go's `NewFakeRecorder`. */
export function newFakeRecorder(): FakeRecorder {
  return new FakeRecorder();
}
