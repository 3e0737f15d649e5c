import { expect } from 'chai';
import { fixBlock } from '../../../../src/controller/bootstrap/fix-block.ts';
import { FakeChainNode, noAnswer } from '../../../support/fakes/fake-chain-node.ts';

const { signal } = new AbortController();
const network = { name: 'golden' };
const options = { initialBlocks: 0, maxBytes: 100 << 20 };

describe('fixBlock', () => {
  const nodes = [0, 1, 2].map(ordinal => new FakeChainNode(`golden-sts-${ordinal}`));
  const [restarted, hung, full] = nodes as [FakeChainNode, FakeChainNode, FakeChainNode];
  restarted.mine(3);
  hung.onBatch = noAnswer;
  full.mine(120);
  const fix = (height?: number, fields: Partial<typeof options> = {}, asked = nodes) =>
    fixBlock({ network, ...(height === undefined ? {} : { height }) }, asked, { ...options, ...fields }, signal);

  it('is the block at the height, on the longest chain of the nodes that answer', async () => {
    expect(await fix(100)).to.deep.equal({ height: 100, hash: full.at(100) });
  });

  it('is the tip without a height', async () => {
    expect(await fix()).to.deep.equal(full.tip);
  });

  it('waits for a chain that is high enough, also for its initial blocks', async () => {
    const waiting = { reason: 'SourceNotReady', message: 'network golden has 120 of the 121 blocks' };
    expect(await fix(121)).to.deep.equal(waiting);
    expect(await fix(undefined, { initialBlocks: 121 })).to.deep.equal(waiting);
    expect(await fix(100, { initialBlocks: 121 })).to.include({ height: 100 });
    expect(await fix(undefined, {}, [new FakeChainNode('golden-sts-0')])).to.deep.equal({
      reason: 'SourceNotReady',
      message: 'network golden has 0 of the 1 blocks',
    });
  });

  it('is refused if the chain has more bytes than may be copied, unless only a part of it is', async () => {
    full.bytes = 200 << 20;
    expect(await fix()).to.deep.equal({
      reason: 'BootstrapTooLarge',
      message:
        'golden-sts-2 has 200 MiB of blocks, and at most 100 MiB of blocks are copied: use storage.dataSource, or a lower bootstrap.height',
    });
    expect(await fix(120)).to.include({ reason: 'BootstrapTooLarge' });
    expect(await fix(119)).to.include({ height: 119 });
    full.bytes = 0;
  });

  it('reports the first node that does not answer if none does', async () => {
    expect(await fix(1, {}, [hung])).to.deep.equal({
      reason: 'SourceNotReady',
      message: 'golden-sts-1: no answer within 5000 ms',
    });
  });
});
