import { type Clock, install } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import fc from 'fast-check';
import { AnswerBudget, type HeldBytes, OneATurn } from '../../../../src/bitcoin/rpc/answer-budget.ts';

const never = new AbortController().signal;
const nothing = () => undefined;

describe('AnswerBudget', () => {
  let clock: Clock;
  let budget: AnswerBudget;
  beforeEach(() => {
    clock = install();
    budget = new AnswerBudget({ shortBytes: 10, shortTotalBytes: 20, longTotalBytes: 100, maxWaiting: 3, holdMs: 1_000 });
  });
  afterEach(() => clock.uninstall());

  /** Asks for bytes, and notes the name when they are there. */
  function ask(name: string, bytes: number, granted: string[], cutOff: () => void = nothing): Promise<HeldBytes | undefined> {
    return budget.hold(bytes, cutOff, never).then(held => {
      granted.push(held === undefined ? `${name} refused` : name);
      return held;
    });
  }
  const settled = () => clock.tickAsync(0);

  it('gives bytes in the order in which they were asked for, when there are enough', async () => {
    const granted: string[] = [];
    const first = await ask('first', 80, granted);
    const second = ask('second', 60, granted);
    void ask('third', 11, granted);
    await settled();
    expect(granted).to.deep.equal(['first']);
    first?.release();
    await settled();
    expect(granted).to.deep.equal(['first', 'second', 'third']);
    (await second)?.release();
    expect(budget.heldBytes).to.equal(11);
  });

  it('lets short answers pass whatever long ones hold and wait for', async () => {
    const granted: string[] = [];
    for (const name of ['a', 'b']) void ask(name, 100, granted);
    void ask('short', 10, granted);
    await settled();
    expect(granted).to.deep.equal(['a', 'short']);
  });

  it('cuts off an answer that has held bytes for too long, but only while others wait', async () => {
    const granted: string[] = [];
    const cut: string[] = [];
    void ask('stalls', 100, granted, () => cut.push('stalls'));
    await clock.tickAsync(60_000);
    expect(cut).to.deep.equal([]);
    void ask('next', 100, granted, () => cut.push('next'));
    await clock.tickAsync(1);
    expect(cut).to.deep.equal(['stalls']);
    expect(granted).to.deep.equal(['stalls', 'next']);
    void ask('last', 100, granted);
    await clock.tickAsync(900);
    expect(cut).to.deep.equal(['stalls']);
    await clock.tickAsync(200);
    expect(granted).to.deep.equal(['stalls', 'next', 'last']);
  });

  it('refuses an answer when too many wait', async () => {
    const granted: string[] = [];
    for (const name of ['holds', 'w1', 'w2', 'w3', 'w4']) void ask(name, 100, granted);
    await settled();
    expect(granted).to.have.members(['holds', 'w4 refused']);
    expect(budget.waiting).to.equal(3);
  });

  it('leaves nothing of one that stops waiting, and serves who comes after it', async () => {
    const granted: string[] = [];
    void ask('holds', 50, granted);
    const stop = new AbortController();
    const waiting = budget.hold(80, nothing, stop.signal).catch((error: unknown) => String(error));
    void ask('small', 40, granted);
    await settled();
    expect(granted).to.deep.equal(['holds']);
    stop.abort(new Error('stopped'));
    expect(await waiting).to.equal('Error: stopped');
    await settled();
    expect(granted).to.deep.equal(['holds', 'small']);
    expect(budget.heldBytes).to.equal(90);
  });

  it('does not give bytes back twice', async () => {
    const held = await budget.hold(100, nothing, never);
    held?.release();
    held?.release();
    expect(budget.heldBytes).to.equal(0);
  });

  it('never holds more than its totals, and every answer gets its bytes in the end, whatever the requests', async () => {
    const asks = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 100 }), stalls: fc.boolean() }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(asks, async all => {
        const wide = new AnswerBudget({
          shortBytes: 10,
          shortTotalBytes: 20,
          longTotalBytes: 100,
          maxWaiting: all.length,
          holdMs: 1_000,
        });
        let granted = 0;
        const runs = all.map(async ({ bytes, stalls }) => {
          const held = await wide.hold(bytes, nothing, never);
          granted += 1;
          expect(wide.heldBytes).to.be.at.most(120);
          if (stalls) return;
          await Promise.resolve();
          held?.release();
        });
        await clock.tickAsync(all.length * 1_000);
        await Promise.all(runs);
        expect(granted).to.equal(all.length);
        expect(wide.waiting).to.equal(0);
      }),
    );
  });
});

describe('OneATurn', () => {
  it('runs one task in a turn of the event loop, and the next after one that throws', async () => {
    const turns = new OneATurn();
    let turn = 0;
    let isOver = false;
    const count = () => {
      turn += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const seen: number[] = [];
    const failing = turns.run(() => {
      throw new Error('failed');
    });
    const rest = [0, 1, 2].map(() => turns.run(() => seen.push(turn)));
    expect(await failing.catch(String)).to.equal('Error: failed');
    await Promise.all(rest);
    isOver = true;
    expect(new Set(seen).size).to.equal(3);
  });
});
