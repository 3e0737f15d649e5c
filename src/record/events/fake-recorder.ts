// FakeRecorder: an EventsV1Recorder for tests of code that records events. Port of client-go v0.37.2 tools/events/fake.go.
import { annotationsText, RecordLog, type Recorded, type RecordLogOptions } from '../pipeline/record-log.ts';
import { BaseEventsV1Recorder, type EventsV1Recorder, type MaybeReferable, type RecordedAction } from './recorder.ts';

/** The options of a `FakeRecorder`. */
export interface FakeRecorderOptions extends RecordLogOptions {
  /** Adds the action, the kinds of the objects, and the annotations to each line. Default: false. */
  readonly verbose?: boolean | undefined;
}

/** An event that a `FakeRecorder` was given; `message` is its note. */
export type RecordedEventsV1Event = Recorded<RecordedAction>;

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
  readonly #log = new RecordLog<RecordedAction>();
  /** The lines so far; grows. */
  readonly events = this.#log.lines;
  /** The events so far; grows. */
  readonly records = this.#log.records;
  /** Each line, when it is recorded. */
  readonly events$ = this.#log.lines$;
  readonly #options: FakeRecorderOptions;

  constructor(options: FakeRecorderOptions = {}) {
    super();
    this.#options = options;
  }

  withLogger(): EventsV1Recorder {
    return this;
  }

  protected record(call: RecordedAction): void {
    const { object, related, annotations, type, reason, action } = call;
    const objects = `${objectText(object)}${objectText(related)}${annotationsText(annotations)}`;
    const verbose = (message: string) => `${type} ${reason} ${action} ${message}${objects}`;
    this.#log.add(call, this.#options, this.#options.verbose === true ? verbose : message => `${type} ${reason} ${message}`);
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
