// Whether intervals and producers are what the spec asks for, as far as samples show it.
import { expect } from 'chai';
import fc from 'fast-check';
import {
  initialBatch,
  intervalMsOf,
  planProducers,
  producersFor,
  type Side,
  sidesOf,
} from '../../../../src/bitcoin/chain/block-schedule.ts';

const producersOf = (...weights: readonly number[]) => weights.map((weight, ordinal) => ({ ordinal, weight }));
const whole = (...weights: readonly number[]): Side => ({ name: '', producers: producersOf(...weights), share: 1 });
const heights = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const seeds = fc.integer({ min: 0, max: 2_147_483_647 });

/**
 * The p-value of the Kolmogorov-Smirnov test that a sample is of a distribution (asymptotic, with Stephens' correction).
 * @param cdf the distribution
 */
function kolmogorovSmirnov(sample: readonly number[], cdf: (value: number) => number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  const n = sorted.length;
  const distance = Math.max(...sorted.map((value, index) => Math.max((index + 1) / n - cdf(value), cdf(value) - index / n)));
  const lambda = (Math.sqrt(n) + 0.12 + 0.11 / Math.sqrt(n)) * distance;
  let sum = 0;
  for (let k = 1; k <= 100; k += 1) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * lambda * lambda);
  return Math.min(1, Math.max(0, sum));
}

describe('the time between two blocks', () => {
  it('is the interval, if it is fixed', () => {
    expect(intervalMsOf({ intervalSeconds: 10 }, whole(1), 5)).to.equal(10_000);
  });

  it('is none without an interval', () => {
    expect(intervalMsOf({}, whole(1), 5)).to.equal(undefined);
  });

  it('is exponential with the interval as its mean: 500 drawn ones pass Kolmogorov-Smirnov at p > 0.01', () => {
    const exponential = { intervalSeconds: 5, distribution: 'Exponential', seed: 7 } as const;
    const drawn = heights(500).map(height => intervalMsOf(exponential, whole(1), height)!);
    expect(kolmogorovSmirnov(drawn, value => 1 - Math.exp(-value / 5_000))).to.be.above(0.01);
  });

  it('is exponential with any seed: about one sample in a hundred is refused at 0.01', () => {
    const refused = heights(200).filter(seed => {
      const drawn = heights(300).map(height =>
        intervalMsOf({ intervalSeconds: 1, distribution: 'Exponential', seed }, whole(1), height)!,
      );
      return kolmogorovSmirnov(drawn, value => 1 - Math.exp(-value / 1_000)) < 0.01;
    });
    expect(refused.length).to.be.at.most(8);
  });

  it('is refused by that test where it is another distribution', () => {
    const uniform = heights(500).map(height => (height / 500) * 10_000);
    expect(kolmogorovSmirnov(uniform, value => 1 - Math.exp(-value / 5_000))).to.be.below(0.01);
  });

  it('is longer for a side of a cut network by its share, and drawn apart from that of other sides', () => {
    const [half, other] = [
      { ...whole(1), name: 'a', share: 0.5 },
      { ...whole(1), name: 'b', share: 0.5 },
    ];
    expect(intervalMsOf({ intervalSeconds: 10 }, half, 5)).to.equal(20_000);
    const exponential = { intervalSeconds: 10, distribution: 'Exponential' } as const;
    expect(intervalMsOf(exponential, half, 5)).to.not.equal(intervalMsOf(exponential, other, 5));
  });

  it('is the same again with the same seed, and another one with another seed', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 1_000_000 }), (seed, height) => {
        const of = (with_: number) =>
          intervalMsOf({ intervalSeconds: 1, distribution: 'Exponential', seed: with_ }, whole(1), height)!;
        expect(of(seed)).to.equal(of(seed));
        expect(of(seed)).to.be.within(0, 23_000);
        expect(of(seed)).to.not.equal(of(seed ^ 1));
      }),
    );
  });
});

describe('the producer of a block', () => {
  it('is each in turn by the height', () => {
    expect(heights(6).map(height => producersFor({}, whole(1, 1, 1), height)[0]?.ordinal)).to.deep.equal([1, 2, 0, 1, 2, 0]);
  });

  it('is drawn by weight: 1,000 draws of 50, 30 and 20 are within three standard deviations', () => {
    const weights = [50, 30, 20];
    const counts = [0, 0, 0];
    for (const height of heights(1_000)) {
      const [first] = producersFor({ selection: 'Random', seed: 7 }, whole(...weights), height);
      counts[first!.ordinal]! += 1;
    }
    for (const [ordinal, weight] of weights.entries()) {
      const p = weight / 100;
      expect(Math.abs(counts[ordinal]! - 1_000 * p), `node ${ordinal}`).to.be.below(3 * Math.sqrt(1_000 * p * (1 - p)));
    }
  });

  it('falls to each other one in some order if it cannot make the block', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(weights, seeds, fc.constantFrom('RoundRobin', 'Random'), fc.nat(100_000), (given, seed, selection, height) => {
        const order = producersFor({ selection, seed }, whole(...given), height).map(({ ordinal }) => ordinal);
        expect(order.toSorted((a, b) => a - b)).to.deep.equal([...given.keys()]);
      }),
    );
  });
});

describe('the sides of a network', () => {
  it('have the share of their producers, and one without producers is none', () => {
    const parts = [
      { name: 'a', ordinals: [0, 1] },
      { name: 'b', ordinals: [2] },
      { name: 'c', ordinals: [3] },
    ];
    const sides = sidesOf(producersOf(50, 30, 20), parts);
    expect(sides.map(({ name, share }) => [name, share])).to.deep.equal([
      ['a', 0.8],
      ['b', 0.2],
    ]);
  });

  it('are one if the network is not cut', () => {
    expect(sidesOf(producersOf(1, 1), undefined)).to.deep.equal([{ name: '', producers: producersOf(1, 1), share: 1 }]);
  });
});

describe('planProducers', () => {
  it('takes all nodes without a list, and leaves out those that there are not', () => {
    expect(planProducers({}, [2, 0]).producers).to.deep.equal([
      { ordinal: 0, weight: 1 },
      { ordinal: 2, weight: 1 },
    ]);
    const { producers, problems } = planProducers({ producers: [{ ordinal: 9 }, { ordinal: 1, weight: 5 }] }, [0, 1]);
    expect(producers).to.deep.equal([{ ordinal: 1, weight: 5 }]);
    expect(problems).to.deep.equal([
      { reason: 'OrdinalUnknown', message: 'blockProduction.producers: there is no node 9 (nodes: 0-1)' },
    ]);
  });
});

describe('initialBatch', () => {
  it('is up to a hundred blocks by height, so that it does no harm to ask again', () => {
    expect([0, 100, 101, 250].map(height => initialBatch({ initialBlocks: 101 }, height))).to.deep.equal([100, 1, 0, 0]);
    expect(initialBatch({}, 0)).to.equal(0);
  });
});
