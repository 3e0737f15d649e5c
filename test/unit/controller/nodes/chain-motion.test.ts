import { expect } from 'chai';
import { ChainMotion } from '../../../../src/controller/nodes/chain-motion.ts';

describe('ChainMotion', () => {
  let nowMs: number;
  let motion: ChainMotion;
  const node = (name: string, height: number, tip: string, side = '') => ({ name, side, chain: { height, tip } });
  const namesOf = (nodes: readonly { readonly name: string }[]) => nodes.map(({ name }) => name);

  beforeEach(() => {
    nowMs = 10_000;
    motion = new ChainMotion(() => nowMs);
  });

  it('asks again soon after a block, then with doubled pauses, and no more after a few seconds', () => {
    expect(motion.pauseMs(), 'of a network at rest').to.equal(undefined);
    motion.note('', 5);
    expect(motion.pauseMs(), 'for what is seen first').to.equal(undefined);
    motion.note('', 6);
    const startMs = nowMs;
    const asked: number[] = [];
    for (let ms = motion.pauseMs(); ms !== undefined; ms = motion.pauseMs()) asked.push((nowMs += ms) - startMs);
    expect(asked).to.deep.equal([100, 200, 400, 800, 1_600, 3_200]);
  });

  it('asks those that do not have the newest block of their side', () => {
    const nodes = [node('a', 5, 'x5', 'one'), node('b', 6, 'x6', 'one'), node('c', 4, 'y4', 'two')];
    for (const { side, chain } of nodes) motion.note(side, chain.height);
    expect(namesOf(motion.stragglers(nodes))).to.deep.equal(['a']);
    motion.note('two', 5);
    expect(namesOf(motion.stragglers(nodes))).to.deep.equal(['a', 'c']);
  });

  it('asks those on the rarer one of two newest blocks', () => {
    const nodes = [node('a', 5, 'x5'), node('b', 5, 'y5'), node('c', 5, 'y5')];
    for (const { side, chain } of nodes) motion.note(side, chain.height);
    expect(namesOf(motion.stragglers(nodes))).to.deep.equal(['a']);
  });

  it('asks again soon after a cut or its end', () => {
    motion.restart();
    expect(motion.pauseMs()).to.equal(100);
  });
});
