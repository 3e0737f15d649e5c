// EventsV1Recorder: says that a controller did something about an object. Before it: a controller's code. After it: events-v1-broadcaster.ts.
//   Port of client-go v0.37.2 tools/events/event_recorder.go.
import type { Logger } from '../../logger.ts';
import type { EventType, ObjectReference } from '../core-event.ts';
import { formatMessage } from '../format-message.ts';
import { getReference, type Referable } from '../reference.ts';
import { microTime, shortNote, type EventsV1Event } from './events-v1-event.ts';

type Annotations = Readonly<Record<string, string>> | undefined;
type MaybeReferable = Referable | null | undefined;

/** Who reports: `example.com/my-controller`, and which instance of it, usually `<controller>-<host name>`. */
export interface Reporter {
  readonly reportingController: string;
  readonly reportingInstance: string;
}

/** Records events. No method ever throws or waits: what cannot be recorded is logged and counted. */
export interface EventsV1Recorder {
  /** `action` is what was done or tried, `reason` why; `related` is another object that had a part in it. */
  eventf(
    regarding: MaybeReferable,
    related: MaybeReferable,
    type: EventType,
    reason: string,
    action: string,
    note: string,
    ...args: unknown[]
  ): void;
  annotatedEventf(
    regarding: MaybeReferable,
    related: MaybeReferable,
    annotations: Annotations,
    type: EventType,
    reason: string,
    action: string,
    note: string,
    ...args: unknown[]
  ): void;
}

export interface RecorderOptions {
  readonly reporter: Reporter;
  readonly logger: Logger;
  readonly send: (event: EventsV1Event) => void;
  readonly reject: () => void;
  readonly nameFor: (referencedName: string, nowMs: number) => string;
  readonly now: () => number;
  readonly ignoresServerLimits: boolean;
}

/** The server refuses longer ones. */
const longestField = 128;

/** The recorder that an `EventsV1Broadcaster` makes. */
export class BroadcastingEventsV1Recorder implements EventsV1Recorder {
  readonly #options: RecorderOptions;

  constructor(options: RecorderOptions) {
    this.#options = options;
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
    annotations: Annotations,
    type: EventType,
    reason: string,
    action: string,
    note: string,
    ...args: unknown[]
  ): void {
    const { logger, reject, send, reporter, ignoresServerLimits } = this.#options;
    try {
      const limited = { reason, action, reportingInstance: reporter.reportingInstance };
      const fault = faultOf(type, ignoresServerLimits ? {} : limited);
      if (fault !== undefined) {
        logger.error('Unable to record event (will not retry!)', { fault, type, ...limited });
        reject();
        return;
      }
      const text = args.length === 0 ? note : formatMessage(note, args);
      const fields = { type, reason, action, note: ignoresServerLimits ? text : shortNote(text) };
      send(this.#newEvent(getReference(regarding), this.#relatedReference(related), annotations, fields));
    } catch (error) {
      logger.error('Could not construct reference, will not report event', { error, type, reason, action });
      reject();
    }
  }

  #newEvent(
    regarding: ObjectReference,
    related: ObjectReference | undefined,
    annotations: Annotations,
    fields: Pick<EventsV1Event, 'type' | 'reason' | 'action' | 'note'>,
  ): EventsV1Event {
    const { now, nameFor, reporter } = this.#options;
    const nowMs = now();
    const namespace = regarding.namespace === undefined || regarding.namespace === '' ? 'default' : regarding.namespace;
    const name = nameFor(regarding.name ?? '', nowMs);
    return {
      metadata: annotations === undefined ? { name, namespace } : { name, namespace, annotations: { ...annotations } },
      eventTime: microTime(nowMs),
      ...reporter,
      ...fields,
      regarding: { ...regarding },
      ...(related === undefined ? {} : { related: { ...related } }),
    };
  }

  /** An event is worth telling without it. */
  #relatedReference(related: MaybeReferable): ObjectReference | undefined {
    if (related === null || related === undefined) return undefined;
    try {
      return getReference(related);
    } catch (error) {
      this.#options.logger.debug('Could not construct reference to the related object', { error });
      return undefined;
    }
  }
}

function faultOf(type: string, limited: Readonly<Record<string, string>>): string | undefined {
  if (type !== 'Normal' && type !== 'Warning') return 'unsupported event type';
  for (const [field, value] of Object.entries(limited)) {
    if (value === '' || value.length > longestField) return `${field} must have 1 to ${longestField} characters`;
  }
  return undefined;
}
