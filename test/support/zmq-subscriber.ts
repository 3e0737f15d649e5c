// A subscriber of bitcoind's ZeroMQ notifications: as much of ZMTP 3.0 (rfc.zeromq.org/spec/23) as that needs.
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

const greetingBytes = 64;

function greeting(): Buffer {
  const bytes = Buffer.alloc(greetingBytes);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.write('NULL', 12);
  return bytes;
}

const frame = (flags: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([flags, body.length]), body]);

const ready = frame(4, Buffer.from('\x05READY\x0bSocket-Type\0\0\0\x03SUB', 'latin1'));

/** Resolves, once the publisher has the subscription, with a function that resolves with the parts of the next message of the topic. */
export async function subscribe(
  host: string,
  port: number,
  topic: string,
): Promise<{ next(): Promise<Buffer[]>; close(): void }> {
  const socket = connect(port, host);
  const input = new ByteReader(socket);
  await once(socket, 'connect');
  socket.write(greeting());
  await input.take(greetingBytes);
  socket.write(ready);
  await nextFrame(input);
  socket.write(frame(0, Buffer.concat([Buffer.from([1]), Buffer.from(topic)])));
  return {
    next: async () => {
      const parts: Buffer[] = [];
      for (let hasMore = true; hasMore;) {
        const { flags, body } = await nextFrame(input);
        parts.push(body);
        hasMore = (flags & 1) === 1;
      }
      return parts;
    },
    close: () => socket.destroy(),
  };
}

async function nextFrame(input: ByteReader): Promise<{ readonly flags: number; readonly body: Buffer }> {
  const [flags = 0] = await input.take(1);
  const isLong = (flags & 2) !== 0;
  const size = isLong ? Number((await input.take(8)).readBigUInt64BE()) : (await input.take(1)).readUInt8();
  return { flags, body: await input.take(size) };
}

class ByteReader {
  #held = Buffer.alloc(0);
  readonly #chunks: AsyncIterator<Buffer, undefined>;

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  }

  /** @throws Error if the connection ends before */
  async take(count: number): Promise<Buffer> {
    while (this.#held.length < count) {
      const chunk = await this.#chunks.next();
      if (chunk.done === true) throw new Error('the publisher closed the connection');
      this.#held = Buffer.concat([this.#held, chunk.value]);
    }
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }
}
