import { expect } from 'chai';
import type { BitcoinNetwork, BitcoinNetworkSpec } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import type { Side } from '../../../../src/bitcoin/chain/block-schedule.ts';
import { knownHeightOf, leastHeightOf } from '../../../../src/controller/blocks/least-height.ts';
import { network, node } from '../../../support/builders.ts';

const whole: Side = { name: '', producers: [], share: 1 };
const networkOf = (height: number, spec: Partial<BitcoinNetworkSpec> = {}): BitcoinNetwork => ({
  ...network({ nodes: 3, blockProduction: { initialBlocks: 101 }, ...spec }),
  status: { chain: { name: 'regtest', height, tip: 'tip', tips: 1, forkDepth: 0 } },
});

describe('leastHeightOf', () => {
  it('lets no empty node make the first blocks again while nodes that may have them are not ready or have no pod', () => {
    expect(leastHeightOf(networkOf(101), [node(2)], whole)).to.equal(101);
    expect(leastHeightOf(networkOf(101), [node(0, { isReady: false }), node(1), node(2)], whole)).to.equal(101);
    expect(leastHeightOf(networkOf(300), [node(2)], whole)).to.equal(294);
  });

  it('lets a node go on that lacks only the newest blocks, which a node that is not ready has made', () => {
    const network = networkOf(300, { blockProduction: { intervalSeconds: 1 } });
    expect(leastHeightOf(network, [node(0, { isReady: false }), node(1), node(2)], whole)).to.equal(294);
  });

  it('lets no empty node make the first blocks again when all nodes are ready: one of them may have just started', () => {
    const all = [node(0), node(1), node(2)];
    expect(leastHeightOf(networkOf(300), all, whole)).to.equal(101);
    expect(leastHeightOf(networkOf(50), all, whole), 'of the blocks that there are').to.equal(50);
    expect(leastHeightOf(networkOf(300, { blockProduction: { intervalSeconds: 1 } }), all, whole)).to.equal(0);
  });

  it('is 0 before there is a block, and once the blocks are lost', () => {
    expect(leastHeightOf(network({ nodes: 3 }), [node(2)], whole)).to.equal(0);
    expect(leastHeightOf(networkOf(0), [node(0), node(1), node(2)], whole)).to.equal(0);
    expect(leastHeightOf(networkOf(0), [node(0)], { ...whole, name: 'east' }, 300)).to.equal(0);
  });

  it('lets no part of a cut make the first blocks again that there were before the cut, and each part those that there were not', () => {
    const east: Side = { ...whole, name: 'east' };
    expect(leastHeightOf(networkOf(300), [node(2)], east, 290)).to.equal(101);
    expect(leastHeightOf(networkOf(300), [node(2)], east, 40)).to.equal(40);
    expect(leastHeightOf(networkOf(300), [node(2)], east)).to.equal(0);
  });

  it('is the height of the blocks that the network starts with at least', () => {
    const started = networkOf(0, { bootstrap: { network: { name: 'bob' } } });
    const status = { ...started.status, bootstrap: { height: 50, hash: 'hash' } } as NonNullable<BitcoinNetwork['status']>;
    expect(leastHeightOf({ ...started, status }, [node(0), node(1), node(2)], whole)).to.equal(50);
  });
});

describe('knownHeightOf', () => {
  it('is the height of the chain, and for a part of a cut that of the part, or at least that of the cut', () => {
    const partition = { startTime: '', specHash: '', parts: [{ name: 'east', nodes: '0', height: 295 }] };
    const { status, ...rest } = networkOf(300);
    const cut = { ...rest, status: { ...status, partition } };
    expect(knownHeightOf(cut, whole)).to.equal(300);
    expect(knownHeightOf(cut, { ...whole, name: 'east' }, 290)).to.equal(295);
    expect(knownHeightOf(cut, { ...whole, name: 'west' }, 290)).to.equal(290);
    expect(knownHeightOf(network({ nodes: 3 }), whole)).to.equal(0);
  });
});
