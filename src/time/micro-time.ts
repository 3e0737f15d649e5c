// microTime: a time as the API server writes a metav1.MicroTime.

/** RFC 3339 in UTC with microseconds. */
export function microTime(ms = Date.now()): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
