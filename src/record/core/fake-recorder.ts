// FakeRecorder: an EventRecorder for tests of code that records. Port of client-go v0.37.2 tools/record/fake.go.
import { Subject, type Observable } from 'rxjs';
import type { EventType } from './core-event.ts';
import type { EventRecorder } from './event-recorder.ts';
import { formatMessage } from '../pipeline/format-message.ts';
import type { Referable } from '../pipeline/reference.ts';

/**
 * Keeps each event as one line, `type reason message`. Differs from client-go: it never blocks, whatever the number of events,
 * and takes a `%` in a type or a reason as it is.
 *
 * @example
 * ```ts
 * import { FakeRecorder } from 'bitcoin-controller/record';
 *
 * const recorder = new FakeRecorder();
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0' } };
 * recorder.eventf(pod, 'Warning', 'BackOff', 'restarted %d times', 5); // in the code that is tested
 * console.log(recorder.events); // prints [ 'Warning BackOff restarted 5 times' ]
 * ```
 */
export class FakeRecorder implements EventRecorder {
  /** What has been recorded so far; grows. */
  readonly events: readonly string[];
  /** Each event, as it is recorded. */
  readonly events$: Observable<string>;
  readonly #events: string[] = [];
  readonly #subject = new Subject<string>();
  readonly #includesObject: boolean;

  /** @param options `includeObject` appends which kind of object each event is about */
  constructor(options: { readonly includeObject?: boolean } = {}) {
    this.events = this.#events;
    this.events$ = this.#subject.asObservable();
    this.#includesObject = options.includeObject === true;
  }

  /** As `EventRecorder` says; so do the others. */
  event(object: Referable, type: EventType, reason: string, message: string): void {
    this.annotatedEvent(object, {}, type, reason, message);
  }

  annotatedEvent(
    object: Referable,
    annotations: Readonly<Record<string, string>>,
    type: EventType,
    reason: string,
    message: string,
  ): void {
    const text = `${type} ${reason} ${message}${this.#objectText(object)}${annotationsText(annotations)}`;
    this.#events.push(text);
    this.#subject.next(text);
  }

  eventf(object: Referable, type: EventType, reason: string, format: string, ...args: unknown[]): void {
    this.event(object, type, reason, formatMessage(format, args));
  }

  annotatedEventf(
    object: Referable,
    annotations: Readonly<Record<string, string>>,
    type: EventType,
    reason: string,
    format: string,
    ...args: unknown[]
  ): void {
    this.annotatedEvent(object, annotations, type, reason, formatMessage(format, args));
  }

  withLogger(): EventRecorder {
    return this;
  }

  #objectText(object: Referable | null | undefined): string {
    return this.#includesObject ? ` involvedObject{kind=${object?.kind ?? ''},apiVersion=${object?.apiVersion ?? ''}}` : '';
  }
}

/** As Go prints a map, and nothing if there is nothing in it. */
export function annotationsText(annotations: Readonly<Record<string, string>> = {}): string {
  const names = Object.keys(annotations).sort();
  return names.length === 0 ? '' : ` map[${names.map(name => `${name}:${annotations[name] ?? ''}`).join(' ')}]`;
}

/** client-go's `NewFakeRecorder`. */
export function newFakeRecorder(): FakeRecorder {
  return new FakeRecorder();
}
