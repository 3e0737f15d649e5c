// EventOutbox: a transactional outbox for the events of one object. An event is stored, under a fixed name, in the very write whose change
//   it reports, and published from there. So a crash, or an answer that got lost, neither loses an event nor doubles it: the API server
//   has one event of a name.
import type { KubeObject } from '../kube/resource.ts';
import { isPrintable, printable } from '../logging/printable.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import type { EventType } from '../record/core/core-event.ts';

/** An event that is to be stored. */
export interface PendingEvent {
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
}

/** An event as the changed object holds it. */
export interface StoredEvent extends PendingEvent {
  readonly name: string;
}

/** Options of an EventOutbox. */
export interface EventOutboxOptions {
  /** Its broadcaster needs the option `nameAnnotation` with the value of `eventNameAnnotation`. */
  readonly recorder: Pick<EventRecorder, 'annotatedEvent'>;
  /** Annotation of a changed object that holds the event of its last change. */
  readonly lastEventAnnotation: string;
  /** Annotation of an event that the recorder takes the event's name from: its `nameAnnotation`. */
  readonly eventNameAnnotation: string;
  /** The valid reasons of stored events: any writer of the object can store anything. Default: each text in the form of a reason. */
  readonly reasons?: ReadonlySet<string>;
  /** Milliseconds since 1970. Default: the wall clock. */
  readonly nowMs?: () => number;
}

/** Nanoseconds after the millisecond; recorders give events without a name of their own the first few. */
const firstNanosecond = 500_000n;

/**
 * An older event is not published by a process that meets it for the first time: it has been published before, and the API server may
 * have deleted it since (after an hour by default).
 */
const freshMs = 1_800_000;

/** Another writer may have stored more of them in the object. */
const maxEventsPerWrite = 10;

/** An event is written within this time, or dropped: writes are retried for two minutes, and thousands of others may come before it. */
const unsettledMs = 240_000;

/** Of each part. What it stores is always among them. */
const maxRemembered = 64;

/** A name of 253 characters and a message of 1 KiB, each of which JSON may escape. */
const maxStoredLength = 8_192;

/**
 * The events of one object, none of which a crash loses or doubles: each is stored by the write that it is about, and published when the
 * object is read. Make one for each object; PerObject keeps them.
 */
export class EventOutbox<Part extends string = string> {
  readonly #options: EventOutboxOptions;
  /** The names of the newest events of each part that were published. */
  readonly #published = new Map<Part, ReadonlySet<string>>();
  /** In nanoseconds since 1970; no two events get the same. */
  #lastNamed = 0n;

  /**
   * Has published nothing yet.
   * @typeParam Part where events are stored, such as the object's status and each object that it owns
   */
  constructor(options: EventOutboxOptions) {
    this.#options = options;
  }

  /** Gives the events the names under which they are published, and makes their messages printable. Names sort by time, as those of all events do. */
  name({ metadata }: KubeObject, events: readonly PendingEvent[]): StoredEvent[] {
    return events.map(event => {
      const now = BigInt(this.#nowMs()) * 1_000_000n + firstNanosecond;
      this.#lastNamed = now > this.#lastNamed ? now : this.#lastNamed + 1n;
      return { name: `${metadata?.name ?? ''}.${this.#lastNamed.toString(16)}`, ...event, message: printable(event.message) };
    });
  }

  /**
   * The events to store in a write of a part: its own, and before them those of former writes that may not have been published yet. A process
   * that is killed before it has published them loses none, although the part is written once more.
   * @param former those that the part stores before the write
   * @param events those of the write, as `name` returned them. All of them are stored
   */
  stored(former: readonly StoredEvent[], events: readonly StoredEvent[]): StoredEvent[] {
    const names = new Set(events.map(({ name }) => name));
    const nowMs = this.#nowMs();
    const unsettled = former.filter(
      event => isStoredEvent(event) && !names.has(event.name) && Math.abs(nowMs - timeOf(event.name)) < unsettledMs,
    );
    return [...unsettled.slice(Math.max(0, unsettled.length + events.length - maxEventsPerWrite)), ...events];
  }

  /** The annotations that store an event in the object whose change it reports. */
  annotationsOf(event: StoredEvent): Record<string, string> {
    return { [this.#options.lastEventAnnotation]: JSON.stringify(event) };
  }

  /** The event that an object stores in its annotations; none if another writer has stored something different there. */
  storedIn({ metadata }: KubeObject): StoredEvent[] {
    const text = metadata?.annotations?.[this.#options.lastEventAnnotation];
    if (text === undefined || text.length > maxStoredLength) return [];
    try {
      const event: unknown = JSON.parse(text);
      return isStoredEvent(event) ? [event] : [];
    } catch {
      return [];
    }
  }

  /** Call with the events that a part stores, each time that the part is read. This process records each event once. */
  publish(object: KubeObject, part: Part, events: readonly StoredEvent[]): void {
    const { recorder, eventNameAnnotation } = this.#options;
    const own = events.slice(0, maxEventsPerWrite).filter(event => isOwn(object, event, this.#options.reasons));
    const published = this.#published.get(part);
    const added = own.filter(({ name }) => published?.has(name) !== true);
    if (added.length === 0) return;
    const names = own.map(({ name }) => name);
    const others = [...(published ?? [])].filter(name => !names.includes(name));
    this.#published.set(part, new Set([...others, ...names].slice(-maxRemembered)));
    const nowMs = this.#nowMs();
    const fresh = published === undefined ? added.filter(({ name }) => nowMs - timeOf(name) <= freshMs) : added;
    for (const { name, type, reason, message } of fresh)
      recorder.annotatedEvent(object, { [eventNameAnnotation]: name }, type, reason, message);
  }

  /** Call with a part that is gone. */
  forget(part: Part): void {
    this.#published.delete(part);
  }

  /** Call when an event about the object was dropped: each event that is still stored is published again when it is read next. */
  republish(): void {
    this.#published.clear();
  }

  #nowMs(): number {
    return (this.#options.nowMs ?? Date.now)();
  }
}

/** What others may have written instead: into an annotation, or into the status of an object of an older version. */
function isStoredEvent(event: unknown): event is StoredEvent {
  if (typeof event !== 'object' || event === null) return false;
  const { name, type, reason, message } = event as Partial<StoredEvent>;
  return [name, reason, message].every(value => typeof value === 'string') && (type === 'Normal' || type === 'Warning');
}

/** Any writer of the object can store anything there. Only events that the controller can have written are published. */
function isOwn({ metadata }: KubeObject, event: StoredEvent, reasons: ReadonlySet<string> | undefined): boolean {
  if (!isStoredEvent(event)) return false;
  const { name, reason, message } = event;
  const isReason = reasons?.has(reason) ?? /^[A-Z][A-Za-z]{0,63}$/.test(reason);
  return (
    isReason && isPrintable(message) && name.slice(0, name.lastIndexOf('.')) === metadata?.name && !Number.isNaN(timeOf(name))
  );
}

/** When an event was named, in milliseconds since 1970; NaN if its name holds no time. */
function timeOf(name: string): number {
  const suffix = name.slice(name.lastIndexOf('.') + 1);
  return /^[0-9a-f]{1,16}$/.test(suffix) ? Number(BigInt(`0x${suffix}`) / 1_000_000n) : NaN;
}
