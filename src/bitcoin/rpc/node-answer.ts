// A node's answer: its body is read within limits, and its JSON is parsed only if that is known to be cheap.

/**
 * A healthy node of a network of 1,000 dials up to 999 others and is dialled by 114 (bitcoind's default); getpeerinfo takes 1.3 to
 * 1.7 KiB for each, and getaddednodeinfo 0.1 KiB for each of 999 entries.
 */
export const maxAnswerBytes = 2 << 20;
/** The same answer has 85,000 values: 75 a connection. */
const maxValues = 150_000;
/** A batch's answer, a list, an entry, a count by message: bitcoind nests by five. */
const maxDepth = 16;

/** Why an answer is not read: it is too long, or has too many values; or it is nothing that bitcoind answers. */
export class AnswerError extends Error {
  readonly failure: 'oversized' | 'unusable';
  constructor(failure: 'oversized' | 'unusable', message: string) {
    super(message);
    this.name = 'AnswerError';
    this.failure = failure;
  }
}

/** The body of a response. @throws AnswerError as soon as it has more than `maxBytes` */
export async function readBody(stream: AsyncIterable<Buffer | string>, maxBytes: number): Promise<Buffer> {
  const { body, isWhole } = await readStart(stream, maxBytes);
  if (!isWhole) throw new AnswerError('oversized', `the answer is larger than ${maxBytes} bytes`);
  return body;
}

/** The first bytes of a body, `maxBytes` at most. The rest is not read: destroy the connection. */
export async function readStart(
  stream: AsyncIterable<Buffer | string>,
  maxBytes: number,
): Promise<{ readonly body: Buffer; readonly isWhole: boolean }> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    const buffer = typeof piece === 'string' ? Buffer.from(piece) : piece;
    pieces.push(buffer);
    bytes += buffer.length;
    if (bytes > maxBytes) return { body: Buffer.concat(pieces, maxBytes), isWhole: false };
  }
  return { body: Buffer.concat(pieces, bytes), isWhole: true };
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Refuses JSON that costs much to parse, before it is parsed: nested deeply, or of very many values. Takes some milliseconds a MiB; what
 * is not JSON passes it.
 * @throws AnswerError
 */
export function assertCheap(json: Uint8Array): void {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === quote) at = endOfString(json, at);
    else if (byte === comma) values += 1;
    else if (byte === openList || byte === openObject) {
      depth += 1;
      values += 1;
      if (depth > maxDepth) throw new AnswerError('unusable', `the answer is nested deeper than ${maxDepth} levels`);
    } else if (byte === closeList || byte === closeObject) depth -= 1;
    if (values > maxValues) throw new AnswerError('oversized', `the answer has more than ${maxValues} values`);
  }
}

/** Where the string that begins at `start` ends. */
function endOfString(json: Uint8Array, start: number): number {
  for (let end = json.indexOf(quote, start + 1); end !== -1; end = json.indexOf(quote, end + 1)) {
    let escapes = 0;
    while (json[end - 1 - escapes] === backslash) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return json.length;
}
