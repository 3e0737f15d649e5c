// FakeRecorder: an EventsV1Recorder for tests of code that records events. Port of client-go v0.37.2 tools/events/fake.go.
import type { Observable } from 'rxjs';
import { annotationsText, RecordLog, throwIfInvalid, type RecordedEvent } from '../core/fake-recorder.ts';
import { formatMessage } from '../pipeline/format-message.ts';
import type { RecorderOptions } from '../pipeline/recording.ts';
import { BaseEventsV1Recorder, type EventsV1Recorder, type MaybeReferable, type RecordedAction } from './recorder.ts';

/** The options of a `FakeRecorder`. */
export interface FakeRecorderOptions extends RecorderOptions {
  /** Adds the action, the kinds of the objects, and the annotations to each line. Default: false. */
  readonly verbose?: boolean | undefined;
  /** Throws where a real recorder would drop the event as invalid. Default: false. */
  readonly strict?: boolean | undefined;
}

/** An event that a `FakeRecorder` was given; `message` is its note. */
export interface RecordedEventsV1Event extends RecordedEvent {
  readonly related: MaybeReferable;
  readonly action: string;
}

/**
 * Keeps each event as a line, `type reason note`, and as an object. Differs from client-go: it never blocks, and takes a `%` in a type or a
 * reason as it is.
 *
 * @example
 * ```ts
 * import { FakeRecorder } from 'bitcoin-controller/record/events';
 *
 * const recorder = new FakeRecorder({ verbose: true });
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0' } };
 * recorder.eventf(pod, undefined, 'Normal', 'Started', 'Starting', 'started on %s', 'node-1');
 * console.log(recorder.events[0]); // prints Normal Started Starting started on node-1 {kind=Pod,apiVersion=v1}
 * ```
 */
export class FakeRecorder extends BaseEventsV1Recorder {
  readonly #log = new RecordLog<RecordedEventsV1Event>();
  /** The lines so far; grows. */
  readonly events: readonly string[] = this.#log.lines;
  /** The events so far; grows. */
  readonly records: readonly RecordedEventsV1Event[] = this.#log.records;
  /** Each line, when it is recorded. */
  readonly events$: Observable<string> = this.#log.lines$;
  readonly #options: FakeRecorderOptions;

  constructor(options: FakeRecorderOptions = {}) {
    super();
    this.#options = options;
  }

  withLogger(): EventsV1Recorder {
    return this;
  }

  protected record(call: RecordedAction): void {
    if (this.#options.strict === true) throwIfInvalid(call, this.#options);
    const { object, related, annotations, type, reason, action, format, args } = call;
    const message = formatMessage(format, args);
    const recorded = { object, related, type, reason, action, message, annotations };
    const line =
      this.#options.verbose === true
        ? `${type} ${reason} ${action} ${message}${objectText(object)}${objectText(related)}${annotationsText(annotations)}`
        : `${type} ${reason} ${message}`;
    this.#log.add(line, recorded);
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
