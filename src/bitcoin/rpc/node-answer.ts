// A node's answer: its body is read within limits, and refused at the first byte that makes its JSON expensive or too long.

/**
 * A healthy node of a network of 1,000 dials up to 999 others and is dialled by 114 (bitcoind's default); getpeerinfo takes 1.3 to
 * 1.7 KiB for each, and getaddednodeinfo 0.1 KiB for each of 999 entries.
 */
export const maxAnswerBytes = 2 << 20;
/** A list of peers or of added nodes of the same node has up to 1,113 entries. */
export const maxEntries = 2_000;
/** The same answer has 85,000 values: 75 a connection. */
const maxValues = 100_000;
/** A batch's answer, a list, an entry, a count by message: bitcoind nests by five. */
const maxDepth = 16;
/** The depth of an entry of a list: within the batch, the answer to a call, and the list. */
const entryDepth = 4;

/** Why an answer is not read: it is too long, or has too many values; or it is nothing that bitcoind answers. */
export class AnswerError extends Error {
  readonly failure: 'oversized' | 'unusable';
  constructor(failure: 'oversized' | 'unusable', message: string) {
    super(message);
    this.name = 'AnswerError';
    this.failure = failure;
  }
}

/** The body of a response. @throws AnswerError as soon as it has more than `maxBytes`, or JSON that AnswerScan refuses */
export async function readBody(stream: AsyncIterable<Buffer | string>, maxBytes: number): Promise<Buffer> {
  const scan = new AnswerScan();
  const { body, isWhole } = await readStart(stream, maxBytes, piece => scan.push(piece));
  if (!isWhole) throw new AnswerError('oversized', `the answer is larger than ${maxBytes} bytes`);
  return body;
}

/** The first bytes of a body, `maxBytes` at most. The rest is not read: destroy the connection. */
export async function readStart(
  stream: AsyncIterable<Buffer | string>,
  maxBytes: number,
  check: (piece: Buffer) => void = () => undefined,
): Promise<{ readonly body: Buffer; readonly isWhole: boolean }> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    const buffer = typeof piece === 'string' ? Buffer.from(piece) : piece;
    check(buffer);
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
 * Refuses JSON that costs much to parse or to hold, before it is parsed: nested deeply, of very many values, of lists that are too long.
 * Takes some milliseconds a MiB. What is not JSON passes it.
 */
export class AnswerScan {
  #depth = 0;
  #values = 1;
  #entries = 0;
  #isInString = false;
  #isEscaped = false;

  /** Call with each piece, in order. @throws AnswerError */
  push(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; at += 1) {
      if (this.#isInString) at = this.#endOfString(piece, at);
      const byte = piece[at];
      if (byte === quote) this.#isInString = !this.#isInString;
      else if (byte === comma) this.#countValue();
      else if (byte === openList || byte === openObject) this.#open(byte);
      else if (byte === closeList || byte === closeObject) this.#depth -= 1;
    }
  }

  /** Where the string ends in which `at` is, or the piece. */
  #endOfString(piece: Uint8Array, start: number): number {
    let at = start;
    for (; at < piece.length; at += 1) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (piece[at] === backslash) this.#isEscaped = true;
      else if (piece[at] === quote) break;
    }
    return at;
  }

  #open(byte: number): void {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new AnswerError('unusable', `the answer is nested deeper than ${maxDepth} levels`);
    this.#countValue();
    if (byte !== openObject || this.#depth !== entryDepth) return;
    this.#entries += 1;
    // Of two lists.
    if (this.#entries > 2 * maxEntries) throw new AnswerError('oversized', `the answer has more than ${2 * maxEntries} entries`);
  }

  #countValue(): void {
    this.#values += 1;
    if (this.#values > maxValues) throw new AnswerError('oversized', `the answer has more than ${maxValues} values`);
  }
}
