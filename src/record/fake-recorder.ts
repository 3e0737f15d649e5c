// FakeRecorder: an EventRecorder for tests of code that records. Port of client-go v0.37.2 tools/record/fake.go.
import { Subject, type Observable } from 'rxjs';
import type { EventType } from './core-event.ts';
import type { EventRecorder } from './event-recorder.ts';
import { formatMessage } from './format-message.ts';
import type { Referable } from './reference.ts';

type Annotations = Readonly<Record<string, string>>;

/**
 * Keeps each event as one line, `type reason message`. Differs from client-go: it never blocks, whatever the number of events,
 * and takes a `%` in a type or a reason as it is.
 */
export class FakeRecorder implements EventRecorder {
  readonly events: readonly string[];
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

  event(object: Referable, type: EventType, reason: string, message: string): void {
    this.annotatedEvent(object, {}, type, reason, message);
  }

  annotatedEvent(object: Referable, annotations: Annotations, type: EventType, reason: string, message: string): void {
    const text = `${type} ${reason} ${message}${this.#objectText(object)}${annotationsText(annotations)}`;
    this.#events.push(text);
    this.#subject.next(text);
  }

  eventf(object: Referable, type: EventType, reason: string, format: string, ...args: unknown[]): void {
    this.event(object, type, reason, formatMessage(format, args));
  }

  annotatedEventf(
    object: Referable,
    annotations: Annotations,
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

function annotationsText(annotations: Annotations): string {
  const names = Object.keys(annotations).sort();
  return names.length === 0 ? '' : ` map[${names.map(name => `${name}:${annotations[name] ?? ''}`).join(' ')}]`;
}

export function newFakeRecorder(): FakeRecorder {
  return new FakeRecorder();
}
