import { expect } from 'chai';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import { ChainCopy, type ChainCopyOptions, type CopyStep } from '../../../../src/controller/bootstrap/chain-copy.ts';
import { FakeChainNode, noAnswer } from '../../../support/fakes/fake-chain-node.ts';

const { signal } = new AbortController();

describe('ChainCopy', () => {
  let source: FakeChainNode;
  let target: FakeChainNode;
  let copy: ChainCopy;

  beforeEach(() => {
    [source, target] = [new FakeChainNode('golden-sts-0'), new FakeChainNode('alice-sts-0')];
    source.mine(600);
    copy = copyOf({});
  });

  function copyOf(options: Partial<ChainCopyOptions>): ChainCopy {
    return new ChainCopy({ fixed: source.tip, from: 'golden', maxBytes: 100 << 20, maySubmit: () => true, ...options });
  }
  const stepOf = (of = copy, sources: readonly FakeChainNode[] = [source]): Promise<CopyStep> =>
    of.step(target, () => Promise.resolve(sources), signal);
  /** Steps as long as the copy goes on by itself. @returns the last one, and the number of steps */
  async function run(of = copy, sources?: readonly FakeChainNode[]): Promise<CopyStep & { readonly steps: number }> {
    for (let steps = 1; ; steps += 1) {
      const step = await stepOf(of, sources);
      if (!('requeueAfterMs' in step.result) || step.result.requeueAfterMs !== 1) return { ...step, steps };
    }
  }
  const submitted = () => target.calls.filter(({ method }) => method === 'submitblock').length;

  it('copies each block once, up to the fixed one and no further', async () => {
    const fixed = { height: 300, hash: source.at(300) ?? '' };
    const { state, steps } = await run(copyOf({ fixed }));
    expect(state).to.deep.equal({ reason: 'Copied', message: 'the chain begins with 300 blocks of network golden' });
    expect(target.tip).to.deep.equal(fixed);
    expect(submitted()).to.equal(300);
    expect(steps).to.equal(4);
  });

  it('asks the other network nothing once all blocks are there, as on volumes', async () => {
    await run();
    const asked = source.calls.length;
    target.mine(5);
    const step = await copyOf({}).step(target, () => Promise.reject(new Error('not to be asked')), signal);
    expect(step.state.reason).to.equal('Copied');
    expect(source.calls).to.have.length(asked);
  });

  it('copies the fixed block although the other network replaces it and more, at each step', async () => {
    for (let at = 0; at < 6; at += 1) {
      target = new FakeChainNode('alice-sts-0');
      const fixed = source.tip;
      const of = copyOf({ fixed });
      let step = 0;
      source.onBatch = () => {
        if ((step += 1) === at + 1) source.reorganise(3 + at, 100 + at);
      };
      const { state } = await run(of);
      source.onBatch = () => undefined;
      expect(state.reason, `after ${at} batches`).to.equal('Copied');
      expect(target.tip).to.deep.equal(fixed);
      expect(source.at(fixed.height)).to.not.equal(fixed.hash);
    }
  });

  it('goes on after a restart at each step, from what the target has', async () => {
    for (let stop = 1; ; stop += 1) {
      target = new FakeChainNode('alice-sts-0');
      const first = copyOf({});
      let last: CopyStep | undefined;
      for (let step = 0; step < stop; step += 1) last = await stepOf(first);
      const { height } = target.tip;
      target.calls.length = 0;
      expect((await run(copyOf({}))).state.reason).to.equal('Copied');
      expect(submitted(), 'only what was missing').to.equal(600 - height);
      if (last?.state.reason === 'Copied') break;
    }
  });

  it('copies to another target from the start when the first one is gone', async () => {
    for (let step = 0; step < 3; step += 1) await stepOf();
    expect(target.tip.height).to.be.above(0);
    target = new FakeChainNode('alice-sts-1');
    expect((await run()).state.reason).to.equal('Copied');
    expect(target.tip).to.deep.equal(source.tip);
  });

  it('replaces a shorter chain that the target has of its own', async () => {
    target.mine(7, 9);
    expect((await run()).state.reason).to.equal('Copied');
    expect(target.tip).to.deep.equal(source.tip);
  });

  it('reports a target that keeps a longer chain of its own, and does not copy again', async () => {
    target.mine(601, 9);
    const { state } = await run();
    expect(state.reason).to.equal('BootstrapFailed');
    expect(state.message).to.include('alice-sts-0 has a chain of its own with 601 blocks');
    const before = submitted();
    expect((await run()).state).to.deep.equal(state);
    expect(submitted()).to.equal(before);
  });

  it('reports the block that the target refuses, with its words', async () => {
    target.answer = ({ method }, result) => (method === 'submitblock' && target.tip.height >= 100 ? 'bad-txnmrklroot' : result);
    const { state, result } = await run();
    expect(state).to.deep.equal({ reason: 'BootstrapFailed', message: 'alice-sts-0 refuses block 100: bad-txnmrklroot' });
    expect(result).to.deep.equal({ requeue: 'rateLimited' });
  });

  it('asks another node of the other network when one does not answer, or lacks the blocks', async () => {
    const [hung, empty] = [new FakeChainNode('golden-sts-1'), new FakeChainNode('golden-sts-2')];
    hung.onBatch = noAnswer;
    expect((await run(copy, [hung, empty, source])).state.reason).to.equal('Copied');
    expect(hung.calls).to.be.empty;
  });

  it('waits for nodes of the other network that do not answer', async () => {
    source.onBatch = noAnswer;
    expect((await run()).state).to.deep.equal({
      reason: 'SourceNotReady',
      message: 'golden-sts-0: no answer within 5000 ms',
    });
    source.onBatch = () => undefined;
    expect((await run()).state.reason).to.equal('Copied');
  });

  it('fails as long as no node of the other network has the fixed block, as after all of them lost their chain', async () => {
    const { state } = await run(copy, [new FakeChainNode('golden-sts-0'), new FakeChainNode('golden-sts-1')]);
    expect(state).to.deep.equal({
      reason: 'BootstrapFailed',
      message: 'golden-sts-0: getblockheader: Block not found (-5)',
    });
  });

  it('fails on a block that was pruned', async () => {
    source.answer = ({ method }, result) => {
      if (method === 'getblock') throw new BitcoinRpcError(method, -1, 'Block not available (pruned data)');
      return result;
    };
    expect((await run()).state.message).to.include('Block not available (pruned data)');
  });

  for (const [what, method, forged] of [
    ['another header', 'getblockheader', 'ab'.repeat(80)],
    ['no header', 'getblockheader', { hash: 1 }],
    ['another block', 'getblock', 'ab'.repeat(200)],
    ['no block', 'getblock', [null]],
    ['a count of transactions that is none', 'getblockheader', { nTx: -5 }],
  ] as const)
    it(`submits nothing when it is given ${what}`, async () => {
      const isCount = typeof forged === 'object' && 'nTx' in forged;
      source.answer = (call, result) =>
        call.method === method && (method === 'getblock' || isCount === (call.params?.[1] === true)) ? forged : result;
      const { state } = await run();
      expect(state.reason).to.equal('SourceNotReady');
      expect(state.message).to.match(/^golden-sts-0: the result of getblock/);
      expect(submitted()).to.equal(0);
    });

  it('refuses a chain with another beginning', async () => {
    const [other] = [new FakeChainNode('golden-sts-0')];
    other.mine(3, 5);
    // It claims to be two blocks higher than it is.
    const fixed = { height: 1, hash: other.at(3) ?? '' };
    const { state } = await run(copyOf({ fixed }), [other]);
    expect(state.reason).to.equal('BootstrapFailed');
    expect(submitted()).to.equal(0);
  });

  it('asks for fewer blocks when an answer is too long, and fails when one block is', async () => {
    let most = 20;
    source.onBatch = calls => {
      if (calls[0]?.method === 'getblock' && calls.length > most)
        throw new BitcoinTransportError('oversized', 'the answer is larger than 2097152 bytes');
    };
    for (let step = 0; step < 5; step += 1) await stepOf();
    expect(target.tip.height).to.be.above(0);
    most = 0;
    const { state } = await run();
    expect(state.reason).to.equal('BootstrapTooLarge');
    expect(state.message).to.include('network golden has a block of more than 1 MiB');
    expect(state.message).to.include('storage.dataSource');
  });

  it('asks for few blocks of many transactions at a time', async () => {
    source.answer = (call, result) => (call.params?.[1] === true ? { nTx: 200 } : result);
    let most = 0;
    source.onBatch = calls => {
      if (calls[0]?.method === 'getblock') most = Math.max(most, calls.length);
    };
    expect((await run()).state.reason).to.equal('Copied');
    expect(most).to.equal(2);
  });

  it('stops when the target has more bytes of blocks than may be copied', async () => {
    target.answer = ({ method }, result) =>
      method === 'getblockchaininfo' ? { ...(result as object), size_on_disk: target.tip.height * 1_000_000 } : result;
    const { state } = await run();
    expect(state.reason).to.equal('BootstrapTooLarge');
    expect(state.message).to.match(/^alice-sts-0 has \d+ MiB of blocks, and at most 100 MiB of blocks are copied/);
    expect(target.tip.height).to.be.below(600);
  });

  it('submits nothing unless this process leads', async () => {
    const { state } = await run(copyOf({ maySubmit: () => false }));
    expect(state.reason).to.equal('Copying');
    expect(submitted()).to.equal(0);
  });

  it('says what it waits for when the target does not answer, and only waits for one that starts', async () => {
    target.onBatch = noAnswer;
    expect((await run()).state.message).to.equal(
      'copied 0 of 600 blocks of network golden: alice-sts-0: no answer within 5000 ms',
    );
    target.onBatch = () => undefined;
    target.answer = () => {
      throw new BitcoinRpcError('getblockchaininfo', -28, 'Loading block index…');
    };
    expect((await run()).state.message).to.equal('copied 0 of 600 blocks of network golden');
  });
});
