// Texts of a limited length, for readers and for what refuses longer ones.

const encoder = new TextEncoder();
const ellipsis = '…';
const ellipsisBytes = 3;

/** Whether `text` has at most so many bytes of UTF-8. A UTF-16 unit is three of them at most. */
export function fitsInto(text: string, mostBytes: number): boolean {
  return text.length * 3 <= mostBytes || encoder.encode(text).length <= mostBytes;
}

/** At most so many bytes of UTF-8: cut between two characters and ended by an ellipsis if it was longer. */
export function shortened(text: string, mostBytes: number): string {
  if (fitsInto(text, mostBytes)) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(mostBytes - ellipsisBytes));
  return `${text.slice(0, read)}${ellipsis}`;
}

/** The first names, and how many more there are: `a, b and 3 more`. */
export function firstNames(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
