import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect } from 'chai';
import { OneATurn } from '../../../../src/bitcoin/rpc/answer-budget.ts';
import { PacedSocket } from '../../../../src/bitcoin/rpc/paced-socket.ts';

/** Notes what each of its writes sends, and sends nothing. */
class RecordingSocket extends Socket {
  readonly writes: string[] = [];

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.writes.push(chunk.toString());
    done();
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: () => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk.toString()).join(''));
    done();
  }
}

describe('PacedSocket', () => {
  it('sends the head and the body of a request in one write, so that no answer comes between them', async () => {
    const socket = new RecordingSocket();
    const paced = new PacedSocket(socket, { turns: new OneATurn(), onPass: () => undefined });
    paced.cork();
    paced.write('head ');
    paced.write(Buffer.from('body'));
    await new Promise(resolve => {
      paced.write(' end', resolve);
      paced.uncork();
    });
    expect(socket.writes).to.deep.equal(['head body end']);
  });

  it('closes the connection at once when an HTTP client has the whole answer, without an end of its own', () => {
    const socket = new RecordingSocket();
    const paced = new PacedSocket(socket, { turns: new OneATurn(), onPass: () => undefined });
    paced.destroySoon();
    expect([socket.destroyed, socket.writableEnded]).to.deep.equal([true, false]);
  });

  it('sends nothing once the time limit of the request is over, as in a process that was stopped while it connected', async () => {
    const socket = new RecordingSocket();
    Object.assign(socket, { connecting: true });
    let isLate = false;
    const paced = new PacedSocket(socket, { turns: new OneATurn(), onPass: () => undefined, isLate: () => isLate });
    const failed = once(paced, 'error');
    const written = new Promise(resolve => paced.write('generate', resolve));
    isLate = true;
    Object.assign(socket, { connecting: false });
    socket.emit('connect');
    await written;
    const [error] = (await failed) as unknown[];
    expect(error).to.be.an('error').with.property('message', 'the time limit is over');
    expect([socket.writes, socket.destroyed]).to.deep.equal([[], true]);
  });

  it('sends what was written before the connection is there as soon as it is', async () => {
    const socket = new RecordingSocket();
    Object.assign(socket, { connecting: true });
    const paced = new PacedSocket(socket, { turns: new OneATurn(), onPass: () => undefined });
    const written = new Promise(resolve => paced.write('getblockcount', resolve));
    expect(socket.writes).to.deep.equal([]);
    Object.assign(socket, { connecting: false });
    socket.emit('connect');
    await written;
    expect(socket.writes).to.deep.equal(['getblockcount']);
  });
});
