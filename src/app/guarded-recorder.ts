// GuardedRecorder: an EventRecorder for messages that may quote other parties, such as nodes. They are made printable, and where each message
// starts an event of its own (events.k8s.io/v1) their number for each object is limited: one node must not fill the queue that all share.
import { LruCache } from '../collections/lru-cache.ts';
import type { Logger } from '../logging/logger.ts';
import { printable } from '../logging/printable.ts';
import type { EventType } from '../record/core/core-event.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import { formatMessage } from '../logging/format-message.ts';
import type { KubernetesObject, ObjectReference, Referable } from '../record/pipeline/reference.ts';
import { TokenBucket } from '../time/token-bucket.ts';

/** As client-go limits the events of core/v1: 25 at once, then one in five minutes. */
const burst = 25;
const qps = 1 / 300;
/** How many objects, and how many of their messages, are remembered: 1 KiB each at most. */
const cacheSize = 4_096;

/** What is recorded instead; as client-go says it where similar events are aggregated. */
export const combinedMessage = '(combined from similar events)';

interface State {
  readonly buckets: LruCache<TokenBucket>;
  readonly seen: LruCache<true>;
}

export interface GuardedRecorderOptions {
  /** An event with this annotation has a name of its own and is recorded once: the limit does not count it. */
  readonly nameAnnotation: string;
  /** Records messages beyond the limit as `combinedMessage`. */
  readonly limitsMessages: boolean;
  readonly now?: () => number;
}

export class GuardedRecorder implements EventRecorder {
  readonly #recorder: EventRecorder;
  readonly #options: GuardedRecorderOptions;
  readonly #state: State;

  constructor(recorder: EventRecorder, options: GuardedRecorderOptions, state?: State) {
    this.#recorder = recorder;
    this.#options = options;
    this.#state = state ?? { buckets: new LruCache(cacheSize), seen: new LruCache(cacheSize) };
  }

  event(object: Referable, type: EventType, reason: string, message: string): void {
    this.#recorder.event(object, type, reason, this.#limited(object, reason, printable(message)));
  }

  annotatedEvent(
    object: Referable,
    annotations: Readonly<Record<string, string>>,
    type: EventType,
    reason: string,
    message: string,
  ): void {
    const isNamed = annotations[this.#options.nameAnnotation] !== undefined;
    const shown = isNamed ? printable(message) : this.#limited(object, reason, printable(message));
    this.#recorder.annotatedEvent(object, annotations, type, reason, shown);
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

  withLogger(logger: Logger): EventRecorder {
    return new GuardedRecorder(this.#recorder.withLogger(logger), this.#options, this.#state);
  }

  #limited(object: Referable, reason: string, message: string): string {
    const { limitsMessages, now = () => performance.now() } = this.#options;
    if (!limitsMessages) return message;
    const { buckets, seen } = this.#state;
    const key = keyOf(object);
    const series = `${key} ${reason} ${message}`;
    if (seen.get(series) === true) return message;
    const bucket = buckets.get(key) ?? new TokenBucket({ qps, burst });
    buckets.set(key, bucket);
    if (!bucket.tryAccept(now())) return combinedMessage;
    seen.set(series, true);
    return message;
  }
}

function keyOf(object: Referable): string {
  const { metadata } = object as KubernetesObject;
  const { namespace = '', name = '', uid = '' } = metadata ?? (object as ObjectReference);
  return `${object.kind ?? ''} ${namespace}/${name} ${uid}`;
}
