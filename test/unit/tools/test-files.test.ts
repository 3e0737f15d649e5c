import { expect } from 'chai';
import { FileQueue, runFiles } from '../../../tools/test-files.ts';

const nobody = new AbortController().signal;

describe('FileQueue', () => {
  it('starts with the files that take longest, and goes on in the given order', () => {
    const queue = new FileQueue(['a', 'b', 'c'], { first: ['c'], exclusive: [] });
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).to.deep.equal(['c', 'a', 'b', undefined]);
  });

  it('refuses an order that names a file that does not exist', () => {
    expect(() => new FileQueue(['a'], { first: [], exclusive: ['b'] })).to.throw(RangeError, 'the order names b');
    expect(() => new FileQueue(['a'], { first: ['b'], exclusive: [] })).to.throw(RangeError, 'the order names b');
  });

  it('gives out an exclusive file only when no other one runs, and the others meanwhile', () => {
    const queue = new FileQueue(['x', 'y', 'a'], { first: [], exclusive: ['x', 'y'] });
    expect([queue.take(), queue.take(), queue.take()]).to.deep.equal(['x', 'a', undefined]);
    queue.done('a');
    expect(queue.take()).to.equal(undefined);
    queue.done('x');
    expect([queue.take(), queue.take()]).to.deep.equal(['y', undefined]);
  });
});

describe('runFiles', () => {
  const run = async (
    files: readonly string[],
    argsOf: (file: string) => readonly string[],
    { signal = nobody, limitMs = 20_000 } = {},
  ) => {
    const ended: [string, boolean][] = [];
    await runFiles(new FileQueue(files, { first: [], exclusive: [] }), {
      ...{ isIsolated: false, logOf: () => '/dev/null', signal, limitMs, argsOf },
      onEnd: (file, isGreen) => {
        ended.push([file, isGreen]);
        return Promise.resolve();
      },
    });
    return ended;
  };

  it('runs every file, and reports those whose process failed', async () => {
    const ended = await run(['0', '3', '0x0'], file => ['--eval', `process.exit(${file})`]);
    expect(ended).to.deep.equal([
      ['0', true],
      ['3', false],
      ['0x0', true],
    ]);
  });

  it('ends a process that takes longer than its limit, and reports it as failed', async () => {
    const ended = await run(['forever'], () => ['--eval', 'setInterval(() => undefined, 1_000)'], { limitMs: 100 });
    expect(ended).to.deep.equal([['forever', false]]);
  });

  it('starts no file after its signal has aborted', async () => {
    expect(await run(['0'], () => ['--version'], { signal: AbortSignal.abort() })).to.deep.equal([]);
  });
});
