// Names of events: `<involved object>.<hex of a time>`, so that they sort by time.
//   Port of client-go v0.37.2 tools/record/util (GenerateEventName).
import type { Annotations } from './event-policy.ts';

const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const longestName = 253;
const nanosecondsInMs = 1_000_000;

/** `<name>.<hex of unixNano>`, or a random UUID if the API server would refuse that as a name. */
export function generateEventName(referencedName: string, unixNano: bigint): string {
  return nameWith(referencedName, unixNano.toString(16));
}

/** What is appended is a valid end of a name, so only the first part needs a look. */
function nameWith(referencedName: string, suffix: string): string {
  const isValid = referencedName.length + 1 + suffix.length <= longestName && dnsSubdomain.test(referencedName);
  return isValid ? `${referencedName}.${suffix}` : crypto.randomUUID();
}

/**
 * Names that differ however many events an object has in one millisecond: the first is client-go's, each further one a nanosecond later.
 * Differs from client-go: there two events of one object in the same nanosecond share a name, and one of them is lost. A clock that was
 * set back may repeat a name; the server then refuses it, and the event is created under the next.
 */
export class EventNames {
  #ms = 0;
  /** The suffix of the first name that an object has been given in #ms: most have one. */
  #suffix = '0';
  /** How many names an object has been given in #ms. */
  readonly #given = new Map<string, number>();

  next(referencedName: string, nowMs: number): string {
    const ms = Math.trunc(nowMs);
    if (ms !== this.#ms) {
      this.#ms = ms;
      this.#suffix = unixNanoOf(ms).toString(16);
      this.#given.clear();
    }
    const given = this.#given.get(referencedName) ?? 0;
    this.#given.set(referencedName, given + 1);
    if (given === 0) return nameWith(referencedName, this.#suffix);
    return generateEventName(referencedName, unixNanoOf(ms) + BigInt(given));
  }
}

/** The name that the recording code chose, in an annotation of that key; undefined if it chose none. Such an event happens once. */
export function givenName(annotations: Annotations | undefined, nameAnnotation: string | undefined): string | undefined {
  const name = nameAnnotation === undefined ? undefined : annotations?.[nameAnnotation];
  return name !== undefined && name.length <= longestName && dnsSubdomain.test(name) ? name : undefined;
}

export function unixNanoOf(ms: number): bigint {
  return BigInt(Math.trunc(ms)) * BigInt(nanosecondsInMs);
}
