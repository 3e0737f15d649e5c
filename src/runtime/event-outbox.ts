// What is told about a network, written into the very object whose change it tells: so a crash, or an answer that got lost, neither
//   loses an event nor doubles it. Before it: history.ts with what there is to tell. After it: the EventRecorder, which tells an event of one name once.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../bitcoin/api/bitcoin-network.ts';
import { eventNameAnnotation, lastEventAnnotation } from '../bitcoin/api/names.ts';
import type { KubeObject } from '../kube/resource.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import type { EventType } from '../record/core/core-event.ts';
import { PerNetwork } from './per-object.ts';
import type { Reason } from '../controller/events/reasons.ts';

/** What there is to tell. */
export interface News {
  readonly type: EventType;
  readonly reason: Reason;
  readonly message: string;
}

/** An event as the changed object holds it. */
export type StoryEvent = NonNullable<BitcoinNetworkStatus['lastEvents']>[number];

/** Which object holds the event; each has names of its own. */
export type Part = 'service' | 'statefulSet' | 'status';

/** Nanoseconds after the millisecond; recorders give events without a name of their own the first few. */
const nanosecondOf: Readonly<Record<Part, number>> = { service: 500_000, statefulSet: 500_001, status: 500_002 };

/**
 * What is older is not told again by a process that meets it for the first time: it has been told, and the API server may have dropped
 * the event since, an hour old unless configured otherwise.
 */
const freshMs = 1_800_000;

/** More than one change is told as. */
const maxStory = 10;

/** Names sort by time, as those of all events do. */
export function storyOf(network: BitcoinNetwork, part: Part, news: readonly News[], nowMs = Date.now()): StoryEvent[] {
  const name = (index: number) =>
    `${network.metadata.name}.${(BigInt(nowMs) * 1_000_000n + BigInt(nanosecondOf[part] + index)).toString(16)}`;
  return news.map((one, index) => ({ name: name(index), ...one }));
}

export const lastEventAnnotations = (story: readonly StoryEvent[]): Record<string, string> =>
  Object.fromEntries(story.map(event => [lastEventAnnotation, JSON.stringify(event)]));

/** The event that an object holds; none if somebody has put something else there. */
export function lastEventOf({ metadata }: KubeObject): StoryEvent[] {
  const text = metadata?.annotations?.[lastEventAnnotation];
  if (text === undefined) return [];
  try {
    const event = JSON.parse(text) as Partial<StoryEvent> | null;
    const { name, type, reason, message } = event ?? {};
    const isComplete =
      [name, reason, message].every(value => typeof value === 'string') && (type === 'Normal' || type === 'Warning');
    return isComplete ? [event as StoryEvent] : [];
  } catch {
    return [];
  }
}

export class Storyteller {
  readonly #recorder: EventRecorder;
  readonly #nowMs: () => number;
  /** The name of what was told last of each part. */
  readonly #told = new PerNetwork(() => new Map<Part, string>());

  constructor(recorder: EventRecorder, nowMs: () => number = Date.now) {
    this.#recorder = recorder;
    this.#nowMs = nowMs;
  }

  /** Call with what the part holds, as often as it is seen. Each event is recorded once by this process. */
  tell(network: BitcoinNetwork, part: Part, story: readonly StoryEvent[]): void {
    const parts = this.#told.of(network);
    const own = story.filter(event => isOwn(network, event)).slice(0, maxStory);
    const [first] = own;
    if (first === undefined || parts.get(part) === first.name) return;
    const isMet = parts.has(part);
    parts.set(part, first.name);
    if (!isMet && this.#nowMs() - timeOf(first.name) > freshMs) return;
    for (const { name, type, reason, message } of own)
      this.#recorder.annotatedEvent(network, { [eventNameAnnotation]: name }, type, reason, message);
  }

  /** Call with the key of a network that is gone, or of which all is to be told again. */
  forget(key: string): void {
    this.#told.forget(key);
  }
}

/** Whoever may write the object may write anything there; told is what the controller may have written. */
const isOwn = ({ metadata }: BitcoinNetwork, { name, reason }: StoryEvent): boolean =>
  name.slice(0, name.lastIndexOf('.')) === metadata.name && !Number.isNaN(timeOf(name)) && /^[A-Z][A-Za-z]{0,63}$/.test(reason);

/** When an event was named, in milliseconds since 1970; NaN if its name does not say so. */
function timeOf(name: string): number {
  const suffix = name.slice(name.lastIndexOf('.') + 1);
  return /^[0-9a-f]{1,16}$/.test(suffix) ? Number(BigInt(`0x${suffix}`) / 1_000_000n) : NaN;
}
