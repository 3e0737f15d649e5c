// EventRecorderAdapter: records with the words of events.k8s.io/v1 into core/v1. Before it: a controller's code. After it:
//   ../event-recorder.ts. Port of client-go v0.37.2 tools/record/event.go (EventRecorderAdapter). The other way: legacy-recorder.ts.
import type { Logger } from '../../logging/logger.ts';
import type { EventType } from '../core/core-event.ts';
import type { EventRecorder } from '../core/event-recorder.ts';
import type { Referable } from '../pipeline/reference.ts';
import type { EventsV1Recorder, MaybeReferable } from './recorder.ts';

/** Core events have neither an action nor a related object: these are lost. */
export class EventRecorderAdapter implements EventsV1Recorder {
  readonly #recorder: EventRecorder;

  constructor(recorder: EventRecorder) {
    this.#recorder = recorder;
  }

  eventf(
    regarding: MaybeReferable,
    _related: MaybeReferable,
    type: EventType,
    reason: string,
    _action: string,
    note: string,
    ...args: unknown[]
  ): void {
    this.#recorder.eventf(regarding as Referable, type, reason, note, ...args);
  }

  annotatedEventf(
    regarding: MaybeReferable,
    _related: MaybeReferable,
    annotations: Readonly<Record<string, string>> | undefined,
    type: EventType,
    reason: string,
    _action: string,
    note: string,
    ...args: unknown[]
  ): void {
    this.#recorder.annotatedEventf(regarding as Referable, annotations ?? {}, type, reason, note, ...args);
  }

  withLogger(logger: Logger): EventsV1Recorder {
    return new EventRecorderAdapter(this.#recorder.withLogger(logger));
  }
}

/** client-go's `record.NewEventRecorderAdapter`. */
export function newEventRecorderAdapter(recorder: EventRecorder): EventRecorderAdapter {
  return new EventRecorderAdapter(recorder);
}
