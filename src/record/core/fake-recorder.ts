// FakeRecorder: an EventRecorder for tests of code that records events. Port of client-go v0.37.2 tools/record/fake.go.
import { annotationsText, RecordLog, type Recorded, type RecordLogOptions } from '../pipeline/record-log.ts';
import type { RecordedCall } from '../pipeline/recording.ts';
import { BaseEventRecorder, type EventRecorder } from './event-recorder.ts';

/** The options of a `FakeRecorder`. */
export interface FakeRecorderOptions extends RecordLogOptions {
  /** Appends the kind of the object to each line. Default: false. */
  readonly includeObject?: boolean | undefined;
}

/** An event that a `FakeRecorder` was given. */
export type RecordedEvent = Recorded<RecordedCall>;

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
  readonly #log = new RecordLog<RecordedCall>();
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

  withLogger(): EventRecorder {
    return this;
  }

  protected record(call: RecordedCall): void {
    const { object, annotations, type, reason } = call;
    const kind = `kind=${object?.kind ?? ''},apiVersion=${object?.apiVersion ?? ''}`;
    const objectText = this.#options.includeObject === true ? ` involvedObject{${kind}}` : '';
    this.#log.add(call, this.#options, message => `${type} ${reason} ${message}${objectText}${annotationsText(annotations)}`);
  }
}

/** client-go's `NewFakeRecorder`. */
export function newFakeRecorder(): FakeRecorder {
  return new FakeRecorder();
}
