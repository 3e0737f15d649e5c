import { expect } from 'chai';
import { TurnBudget } from '../../../src/time/turn-budget.ts';

describe('TurnBudget', () => {
  let nowMs: number;
  let budget: TurnBudget;
  let done: number[];
  beforeEach(() => {
    [nowMs, done] = [0, []];
    budget = new TurnBudget({ budgetMs: 10, nowMs: () => nowMs });
  });

  /** Work that waits for nothing but its turn. */
  const work = async (piece: number, takesMs: number): Promise<void> => {
    while (budget.isSpent) await budget.nextTurn();
    nowMs += takesMs;
    done.push(piece);
  };
  const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

  it('lets work go on in the same turn until it has lasted for the budget, and the rest in later ones, in order', async () => {
    const all = Promise.all(Array.from({ length: 8 }, (_, piece) => work(piece, 4)));
    const after = [done.length];
    while (done.length < 8) {
      await turn();
      after.push(done.length);
    }
    await all;
    expect(done).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(after).to.deep.equal([3, 6, 8]);
  });

  it('does not delay work of a turn that has time left', async () => {
    await work(0, 9);
    await work(1, 9);
    expect(done).to.deep.equal([0, 1]);
  });
});
