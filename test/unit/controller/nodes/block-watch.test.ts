import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import type { BlockWait } from '../../../../src/bitcoin/rpc/wait-for-block.ts';
import { BlockWatch, type WatchedSide } from '../../../../src/controller/nodes/block-watch.ts';

const credentials = { user: 'user', password: 'password' };
const side = (height: number, ...hosts: readonly string[]): WatchedSide => ({
  name: '',
  height,
  nodes: hosts.map(host => ({ host, port: 18443, credentials })),
});

interface Call {
  readonly wait: BlockWait;
  readonly answer: (height: number) => void;
  readonly fail: () => void;
}

describe('BlockWatch', () => {
  let clock: Clock;
  let open: Call[];
  let blocks: string[];
  let watch: BlockWatch;

  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    [open, blocks] = [[], []];
    watch = new BlockWatch({
      wait: (wait, signal) =>
        new Promise((resolve, reject) => {
          const end = () => (open = open.filter(each => each !== call));
          const call: Call = {
            wait,
            answer: height => {
              end();
              resolve(height);
            },
            fail: () => {
              end();
              reject(new BitcoinTransportError('unreachable', 'no connection'));
            },
          };
          open.push(call);
          signal.addEventListener('abort', () => {
            end();
            reject(signal.reason as Error);
          });
        }),
      onBlock: (key, name, height) => blocks.push(`${key}${name} ${height}`),
      maxHeld: 2,
    });
  });
  afterEach(() => {
    watch.stop();
    clock.uninstall();
  });

  const settle = () => clock.tickAsync(100);
  const waits = () => open.map(({ wait: { host, height } }) => `${host} ${height}`);

  it('holds one call a side, for the next block, and reports it when the node has it', async () => {
    watch.set('alice', [side(5, 'a', 'b')]);
    expect(waits()).to.deep.equal(['a 6']);
    open[0]!.answer(8);
    await settle();
    expect([blocks, waits()]).to.deep.equal([['alice 8'], ['a 9']]);
  });

  it('reports no block that is known already, or that did not come in time', async () => {
    watch.set('alice', [side(5, 'a')]);
    open[0]!.answer(5);
    await settle();
    watch.set('alice', [side(7, 'a')]);
    open[0]!.answer(6);
    await settle();
    expect([blocks, waits()]).to.deep.equal([[], ['a 8']]);
  });

  it('asks another node when one fails, and none until one is given again when all have', async () => {
    watch.set('alice', [side(5, 'a', 'b')]);
    open[0]!.fail();
    await settle();
    expect(waits()).to.deep.equal(['b 6']);
    open[0]!.fail();
    await settle();
    watch.set('alice', [side(5, 'a', 'b')]);
    await settle();
    expect([waits(), watch.held]).to.deep.equal([[], 0]);
    clock.tick(10_001);
    watch.set('alice', [side(5, 'a', 'b')]);
    expect(waits()).to.deep.equal(['a 6']);
  });

  it('ends a call at once when its node is not watched any more, or the process may not go on', async () => {
    watch.set('alice', [side(5, 'a')]);
    watch.set('bob', [side(5, 'c')]);
    watch.set('alice', []);
    await settle();
    expect([waits(), watch.held]).to.deep.equal([['c 6'], 1]);
    watch.stop();
    await settle();
    watch.set('bob', [side(5, 'c')]);
    expect([waits(), watch.held]).to.deep.equal([[], 0]);
  });

  it('asks a node that answers without waiting ten times a second at most', async () => {
    watch.set('alice', [side(5, 'a')]);
    let calls = 0;
    for (const endMs = clock.now + 1_000; clock.now < endMs; await clock.tickAsync(10))
      for (const { answer } of open) {
        calls += 1;
        answer(5);
      }
    expect(calls).to.be.within(5, 10);
  });

  it('holds a limited number of calls, and takes others on when some have ended', async () => {
    for (const key of ['alice', 'bob', 'carol']) watch.set(key, [side(5, key)]);
    expect(waits()).to.deep.equal(['alice 6', 'bob 6']);
    watch.set('alice', []);
    await settle();
    watch.set('carol', [side(5, 'carol')]);
    expect(waits()).to.deep.equal(['bob 6', 'carol 6']);
  });
});
