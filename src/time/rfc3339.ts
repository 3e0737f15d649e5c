// Times as the API server writes them: RFC 3339 in UTC.

let latest = { ms: 0, text: new Date(0).toISOString() };

/** With milliseconds. Remembers the last time: events come in bursts, and formatting is a fifth of the cost of an event. */
export function timestamp(ms: number): string {
  if (latest.ms !== ms) latest = { ms, text: new Date(ms).toISOString() };
  return latest.text;
}

/** With microseconds, as a metav1.MicroTime. */
export function microTime(ms = Date.now()): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** The same time without its fraction of a second, as a metav1.Time. */
export function wholeSeconds(time: string): string {
  return `${time.slice(0, 'yyyy-mm-ddThh:mm:ss'.length)}Z`;
}
