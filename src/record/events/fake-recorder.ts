// FakeRecorder: an EventsV1Recorder for tests of code that records. Port of client-go v0.37.2 tools/events/fake.go.
import { Subject, type Observable } from 'rxjs';
import type { EventType } from '../core/core-event.ts';
import { annotationsText } from '../core/fake-recorder.ts';
import { formatMessage } from '../pipeline/format-message.ts';
import type { EventsV1Recorder, MaybeReferable } from './recorder.ts';

type Annotations = Readonly<Record<string, string>>;

/**
 * Keeps each event as one line, `type reason note`. Differs from client-go: it never blocks, whatever the number of events,
 * and takes a `%` in a type or a reason as it is.
 *
 * @example
 * ```ts
 * import { FakeRecorder } from 'bitcoin-controller/record/events';
 *
 * const recorder = new FakeRecorder({ verbose: true });
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0' } };
 * recorder.eventf(pod, undefined, 'Normal', 'Started', 'Starting', 'it runs on %s', 'node-1');
 * console.log(recorder.events[0]); // prints Normal Started Starting it runs on node-1 {kind=Pod,apiVersion=v1}
 * ```
 */
export class FakeRecorder implements EventsV1Recorder {
  /** What has been recorded so far; grows. */
  readonly events: readonly string[];
  /** Each event, as it is recorded. */
  readonly events$: Observable<string>;
  readonly #events: string[] = [];
  readonly #subject = new Subject<string>();
  readonly #isVerbose: boolean;

  /** @param options `verbose` adds the action, which kinds of objects each event is about, and its annotations */
  constructor(options: { readonly verbose?: boolean } = {}) {
    this.events = this.#events;
    this.events$ = this.#subject.asObservable();
    this.#isVerbose = options.verbose === true;
  }

  eventf(
    regarding: MaybeReferable,
    related: MaybeReferable,
    type: EventType,
    reason: string,
    action: string,
    note: string,
    ...args: unknown[]
  ): void {
    this.annotatedEventf(regarding, related, undefined, type, reason, action, note, ...args);
  }

  annotatedEventf(
    regarding: MaybeReferable,
    related: MaybeReferable,
    annotations: Annotations | undefined,
    type: EventType,
    reason: string,
    action: string,
    note: string,
    ...args: unknown[]
  ): void {
    const text = formatMessage(note, args);
    const line = this.#isVerbose
      ? `${type} ${reason} ${action} ${text}${objectText(regarding)}${objectText(related)}${annotationsText(annotations)}`
      : `${type} ${reason} ${text}`;
    this.#events.push(line);
    this.#subject.next(line);
  }

  withLogger(): EventsV1Recorder {
    return this;
  }
}

/** client-go's `NewFakeRecorder`. */
export function newFakeRecorder(): FakeRecorder {
  return new FakeRecorder();
}

function objectText(object: MaybeReferable): string {
  const { kind = '', apiVersion = '' } = object ?? {};
  return kind === '' && apiVersion === '' ? '' : ` {kind=${kind},apiVersion=${apiVersion}}`;
}
