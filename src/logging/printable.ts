// Text of other parties (nodes, API servers, plugins, lock holders), made safe to show in a log line, an event, a condition or a terminal.

/** What an event's message may have, and what a log line should. */
export const maxPrintableLength = 1_024;

/**
 * C0 and C1 control characters, which terminals obey; line and paragraph separators, which forge lines; bidirectional controls and
 * invisible characters, which make a text read as another one. Tab and line feed count as control characters too.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * The text on one line: each control, format and separator character and each half of a surrogate pair is replaced by U+FFFD, and what
 * is longer than `maxLength` UTF-16 units ends with "…". Costs no more than `maxLength`, however long the text is.
 */
export function printable(text: string, maxLength = maxPrintableLength): string {
  if (text.length <= maxLength) return text.replace(unprintable, '\uFFFD');
  // Not through the middle of a surrogate pair.
  const end = isHighSurrogate(text.charCodeAt(maxLength - 2)) ? maxLength - 2 : maxLength - 1;
  return `${text.slice(0, end).replace(unprintable, '\uFFFD')}…`;
}

/** Whether `printable` would leave the text as it is. */
export const isPrintable = (text: string, maxLength = maxPrintableLength): boolean => printable(text, maxLength) === text;

/** The line with those characters as JSON escapes: a line of JSON stays one with the same values. */
export const escaped = (line: string): string =>
  line.replace(unprintable, found =>
    found
      .split('')
      .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
