// Names of events: `<involved object>.<hex of a time>`, so that they sort by time.
//   Port of client-go v0.37.2 tools/record/util (GenerateEventName).
import type { Annotations } from './event-policy.ts';

const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const longestName = 253;

/** `<name>.<hex of unixNano>`, or a random UUID if the API server would refuse that as a name. */
export const generateEventName = (referencedName: string, unixNano: bigint): string =>
  nameWith(referencedName, unixNano.toString(16));

function nameWith(referencedName: string, hex: string): string {
  const name = `${referencedName}.${hex}`;
  return isName(name, referencedName) ? name : crypto.randomUUID();
}

/** The first part of a name is enough to look at if the rest is a valid end. */
function isName(name: string, firstPart = name): boolean {
  return name.length <= longestName && dnsSubdomain.test(firstPart);
}

/**
 * Names that differ however many events an object has in one millisecond: the first is client-go's, each further one a nanosecond later.
 * Differs from client-go: there two events of one object in the same nanosecond share a name, and one of them is lost. A clock that was
 * set back may repeat a name; the server then refuses it, and the event is created under the next.
 */
export class EventNames {
  #ms = NaN;
  /** The end of the first names in #ms. */
  #hex = '';
  /** How many names an object has been given in #ms. */
  readonly #given = new Map<string, number>();

  next(referencedName: string, nowMs: number): string {
    if (nowMs !== this.#ms) this.#given.clear();
    if (nowMs !== this.#ms) this.#hex = unixNanoOf(nowMs).toString(16);
    this.#ms = nowMs;
    const given = this.#given.get(referencedName) ?? 0;
    this.#given.set(referencedName, given + 1);
    if (given === 0) return nameWith(referencedName, this.#hex);
    return generateEventName(referencedName, unixNanoOf(nowMs) + BigInt(given));
  }
}

/** The name that the recording code chose, in an annotation of that key; undefined if it chose none. Such an event happens once. */
export function givenName(annotations: Annotations | undefined, nameAnnotation: string | undefined): string | undefined {
  const name = nameAnnotation === undefined ? undefined : annotations?.[nameAnnotation];
  return name !== undefined && isName(name) ? name : undefined;
}

export const unixNanoOf = (ms: number): bigint => BigInt(Math.trunc(ms)) * 1_000_000n;
