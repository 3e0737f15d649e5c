import { expect } from 'chai';
import type { BlockProductionSpec } from '../../../../src/bitcoin/api/block-production.ts';
import type { Side } from '../../../../src/bitcoin/chain/block-schedule.ts';
import type { ChainState } from '../../../../src/bitcoin/rpc/chain-state.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import type { Node } from '../../../../src/bitcoin/topology/peer-plan.ts';
import {
  type ProducerCalls,
  type ProductionLimits,
  ProductionSide,
  type Step,
} from '../../../../src/controller/blocks/production-side.ts';
import { node } from '../../../support/builders.ts';

const { signal } = new AbortController();
const startMs = Date.UTC(2026, 0, 1);
const timeout = new BitcoinTransportError('timeout', 'no answer within 6000 ms');

const refused = new BitcoinTransportError('unreachable', 'no connection', Object.assign(new Error(), { code: 'ECONNREFUSED' }));

/** Nodes that have a chain in common; each may lag, hang, or be at work. */
class FakeNodes implements ProducerCalls {
  nowMs = startMs;
  /** Of the newest block; that of height 0 is old. */
  chain: ChainState = { height: 0, tip: 'genesis', timeSeconds: 1_296_688_602 };
  /** Those with another chain than that. */
  readonly own = new Map<number, ChainState>();
  readonly silent = new Set<number>();
  /** Those whose process is gone. */
  readonly refusing = new Set<number>();
  readonly generating = new Set<number>();
  /** Those that were asked for their tips. */
  readonly looks: number[] = [];
  /** What the next call fails with, and whether the block is made all the same. */
  next: { readonly error: Error; readonly isMade: boolean } | undefined;
  leads = true;
  /** The producer of each call, and how many blocks. */
  readonly calls: (readonly [number, number])[] = [];
  /** What each call pays to. */
  readonly payees: (string | undefined)[] = [];

  look = async ({ ordinal }: Node) => {
    this.looks.push(ordinal);
    await Promise.resolve();
    if (this.refusing.has(ordinal)) throw refused;
    if (this.silent.has(ordinal)) throw timeout;
    return { chain: this.own.get(ordinal) ?? this.chain, isGenerating: this.generating.has(ordinal) };
  };

  generate = async ({ ordinal }: Node, blocks: number, _: AbortSignal, descriptor?: string) => {
    await Promise.resolve();
    this.payees.push(descriptor);
    this.calls.push([ordinal, blocks]);
    const { error, isMade = true } = this.next ?? {};
    this.next = undefined;
    if (isMade) {
      const height = this.chain.height + blocks;
      this.chain = { height, tip: `block-${height}`, timeSeconds: Math.floor(this.nowMs / 1_000) };
    }
    if (error !== undefined) throw error;
    return Array.from({ length: blocks }, (_, index) => `block-${this.chain.height - blocks + index + 1}`);
  };

  mayGenerate = () => this.leads;
}

describe('ProductionSide', () => {
  let nodes: FakeNodes;
  let side: ProductionSide;
  let all: Node[];
  let spec: BlockProductionSpec;
  let of: Side;
  const three: Side = { name: '', producers: [0, 1, 2].map(ordinal => ({ ordinal, weight: 1 })), share: 1 };

  beforeEach(() => {
    nodes = new FakeNodes();
    side = new ProductionSide(nodes, () => nodes.nowMs);
    all = [node(0), node(1), node(2)];
    spec = { intervalSeconds: 10 };
    of = three;
  });

  const none = { leastHeight: 0, needsWork: false, payments: [], addressOf: () => undefined, isCurrent: () => true };
  const step = (limits: Partial<ProductionLimits> = {}) => side.step(spec, of, all, signal, { ...none, ...limits });
  const waitOf = ({ result }: Step) => ('requeue' in result ? 'backoff' : result.requeueAfterMs);

  /** Steps at the times that it asks for. */
  async function runFor(ms: number): Promise<Step> {
    const endMs = nodes.nowMs + ms;
    for (;;) {
      const last = await step();
      const wait = waitOf(last);
      const waitMs = wait === 'backoff' ? 1_000 : wait;
      if (waitMs === undefined || nodes.nowMs + waitMs > endMs) {
        nodes.nowMs = endMs;
        return last;
      }
      nodes.nowMs += waitMs;
    }
  }

  it('makes the initial blocks at once, a hundred a call', async () => {
    spec = { initialBlocks: 250 };
    const last = await runFor(1_000);
    expect(nodes.calls.map(([, blocks]) => blocks)).to.deep.equal([100, 100, 50]);
    expect(last.state).to.deep.equal({ reason: 'InitialBlocksMined' });
    expect(waitOf(last)).to.equal(undefined);
  });

  it('makes one initial block a call where a block takes work', async () => {
    spec = { initialBlocks: 2 };
    for (let steps = 0; steps < 3; steps += 1) await step({ needsWork: true });
    expect(nodes.calls.map(([, blocks]) => blocks)).to.deep.equal([1, 1]);
  });

  it('makes a block an interval, each on the next producer, and none in between', async () => {
    await runFor(60_500);
    expect(nodes.calls).to.have.length(7);
    expect(nodes.calls.map(([ordinal]) => ordinal)).to.deep.equal([1, 2, 0, 1, 2, 0, 1]);
  });

  it('makes 60 blocks in 60 s, however long a call takes', async () => {
    spec = { intervalSeconds: 1 };
    const { generate } = nodes;
    nodes.generate = async (...given) => {
      nodes.nowMs += 30;
      return await generate(...given);
    };
    await runFor(60_000);
    expect(nodes.calls.length).to.be.within(59, 61);
  });

  it('counts from the time of the tip after a restart, so that no block comes early', async () => {
    nodes.chain = { height: 7, tip: 'seven', timeSeconds: startMs / 1_000 - 4 };
    expect(waitOf(await step())).to.equal(6_000);
    expect(nodes.calls).to.deep.equal([]);
  });

  it('takes a tip from the future for one of now, once', async () => {
    nodes.chain = { height: 7, tip: 'seven', timeSeconds: startMs / 1_000 + 3_600 };
    expect(waitOf(await step())).to.equal(10_000);
    nodes.nowMs += 10_000;
    await step();
    expect(nodes.calls).to.have.length(1);
  });

  it('makes up for no block after a pause', async () => {
    spec = { intervalSeconds: 10, paused: true };
    expect(await step()).to.deep.equal({ result: {}, state: { reason: 'Paused' } });
    nodes.nowMs += 3_600_000;
    spec = { intervalSeconds: 10 };
    await runFor(25_000);
    expect(nodes.calls).to.have.length(3);
  });

  it('sends nothing unless the Lease lasts for longer than the call may take', async () => {
    nodes.leads = false;
    await runFor(60_000);
    expect(nodes.calls).to.deep.equal([]);
    nodes.leads = true;
    await step();
    expect(nodes.calls).to.have.length(1);
  });

  it('reads the tip after a call without an answer, and does not repeat it if the block was made', async () => {
    nodes.next = { error: timeout, isMade: true };
    await runFor(9_000);
    expect(nodes.calls).to.have.length(1);
    expect(nodes.chain.height).to.equal(1);
    await runFor(2_000);
    expect(nodes.chain.height).to.equal(2);
  });

  it('waits for a node that is still at work, and for one that does not say so', async () => {
    nodes.next = { error: timeout, isMade: false };
    await step();
    nodes.generating.add(1);
    const [message, reason] = ['alice-sts-1 is still making a block', 'StillMaking'];
    expect((await runFor(20_000)).state).to.deep.equal({ reason, message, isLate: false });
    expect((await runFor(20_000)).state, 'after three intervals').to.deep.equal({ reason, message, isLate: true });
    nodes.generating.clear();
    nodes.silent.add(1);
    expect((await runFor(30_000)).state.reason).to.equal('ProducerNotReady');
    expect(nodes.calls).to.have.length(1);
    // Its process may be frozen.
    all[1] = node(1, { isReady: false });
    expect((await runFor(5_000)).state.reason).to.equal('ProducerNotReady');
    expect(nodes.calls).to.have.length(1);
    // Its process is gone, and with it the call.
    nodes.refusing.add(1);
    await runFor(5_000);
    expect(nodes.calls.map(([ordinal]) => ordinal)).to.deep.equal([1, 2]);
  });

  it('makes no block while a node is at work for a former leader', async () => {
    nodes.generating.add(2);
    expect((await step()).state.reason).to.equal('StillMaking');
    nodes.generating.clear();
    await step();
    expect(nodes.calls).to.have.length(1);
  });

  it('waits for a node that does not say whether it is at work for a former leader, ready or not, for a minute', async () => {
    nodes.silent.add(2);
    all[2] = node(2, { isReady: false });
    expect((await runFor(30_000)).state).to.deep.equal({
      reason: 'ProducerNotReady',
      message: 'alice-sts-2: no answer within 6000 ms',
    });
    expect(nodes.calls).to.deep.equal([]);
    await runFor(32_000);
    expect(nodes.calls.length).to.be.above(0);
  });

  it('does not wait for a producer whose process is gone, nor for one that hangs when no call to it is open', async () => {
    nodes.refusing.add(2);
    expect((await step()).made).to.not.equal(undefined);
    nodes.silent.add(0);
    side.refresh();
    nodes.nowMs += 10_000;
    expect((await runFor(100)).state.reason).to.equal('Producing');
    expect(nodes.calls.length).to.equal(2);
  });

  it('lets a producer that lacks the newest block get it first, and takes another one if it does not', async () => {
    nodes.chain = { height: 7, tip: 'seven', timeSeconds: startMs / 1_000 - 60 };
    nodes.own.set(2, { height: 6, tip: 'six' });
    expect(waitOf(await step())).to.equal(100);
    expect(nodes.calls).to.deep.equal([]);
    await runFor(2_500);
    expect(nodes.calls.map(([ordinal]) => ordinal)).to.deep.equal([0]);
  });

  it('says of a network with its initial blocks that it has them while a producer lacks the newest one', async () => {
    spec = { initialBlocks: 7 };
    nodes.chain = { height: 7, tip: 'seven' };
    nodes.own.set(2, { height: 6, tip: 'six' });
    expect((await step()).state.reason).to.equal('InitialBlocksMined');
    nodes.own.clear();
    expect((await step()).state.reason).to.equal('InitialBlocksMined');
    expect(nodes.calls).to.deep.equal([]);
  });

  it('starts from the chain that is left when the nodes with the longest one are gone', async () => {
    nodes.chain = { height: 500, tip: 'high', timeSeconds: startMs / 1_000 - 60 };
    await step();
    nodes.chain = { height: 0, tip: 'genesis', timeSeconds: 0 };
    side.refresh();
    await step();
    expect(nodes.chain.height).to.equal(1);
  });

  it('makes blocks again when all producers have a shorter chain, as after invalidateblock', async () => {
    nodes.chain = { height: 500, tip: 'high', timeSeconds: startMs / 1_000 };
    await step();
    nodes.chain = { height: 490, tip: 'lower', timeSeconds: startMs / 1_000 };
    await runFor(12_500);
    expect(nodes.chain.height).to.equal(491);
    all = [node(0)];
    side.refresh();
    nodes.chain = { height: 480, tip: 'lowest', timeSeconds: startMs / 1_000 };
    await runFor(12_500);
    expect(nodes.chain.height, 'of an only node').to.be.above(480);
  });

  it('makes no block on a shorter chain while a producer that may have the newest block does not answer', async () => {
    nodes.chain = { height: 500, tip: 'high', timeSeconds: startMs / 1_000 };
    await step();
    for (const ordinal of [0, 1]) nodes.own.set(ordinal, { height: 499, tip: 'lower' });
    nodes.silent.add(2);
    expect((await runFor(120_000)).state.reason).to.be.oneOf(['ProducerNotReady', 'Producing']);
    expect(nodes.calls).to.deep.equal([]);
    nodes.silent.clear();
    await runFor(10_000);
    expect(new Set(nodes.calls.map(([ordinal]) => ordinal)), 'the one that has the newest block').to.deep.equal(new Set([2]));
  });

  describe('of an only producer among nodes that make no blocks', () => {
    beforeEach(() => {
      of = { ...three, producers: [{ ordinal: 2, weight: 1 }] };
      nodes.chain = { height: 500, tip: 'high', timeSeconds: startMs / 1_000 - 60 };
    });

    it('makes no block as long as it is empty and another node has blocks, and goes on from these', async () => {
      nodes.own.set(2, { height: 0, tip: 'genesis' });
      const message = 'alice-sts-2 lacks the newest block';
      for (let minutes = 0; minutes < 5; minutes += 1)
        expect((await runFor(60_000)).state).to.deep.equal({ reason: 'ProducerNotReady', message });
      side.refresh();
      await runFor(60_000);
      expect(nodes.calls).to.deep.equal([]);
      nodes.own.clear();
      await runFor(10_000);
      expect(nodes.chain.height).to.be.above(500);
    });

    it('does not wait for blocks of another part', async () => {
      nodes.own.set(2, { height: 0, tip: 'genesis', timeSeconds: 0 });
      of = { ...of, name: 'west', ordinals: [1, 2] };
      nodes.own.set(1, { height: 0, tip: 'genesis', timeSeconds: 0 });
      expect((await step()).made?.last).to.include({ height: 1, ordinal: 2 });
    });

    it('goes on from its own chain when it has taken no block of a longer one for half a minute', async () => {
      nodes.own.set(2, { height: 490, tip: 'lower', timeSeconds: startMs / 1_000 - 60 });
      await runFor(29_000);
      expect(nodes.calls).to.deep.equal([]);
      await runFor(20_000);
      expect(nodes.calls.length).to.be.above(0);
    });

    it('waits for half a minute each time that it is behind, also with the tip of the last time', async () => {
      // A block on this one would be due at once.
      const lower = { height: 490, tip: 'lower', timeSeconds: 0 };
      spec = { intervalSeconds: 3_600 };
      for (const again of [() => nodes.own.delete(2), () => side.refresh()]) {
        nodes.own.set(2, lower);
        await runFor(20_000);
        again();
        await runFor(6_000);
        expect(nodes.calls).to.deep.equal([]);
      }
      await runFor(20_000);
      expect(nodes.calls).to.deep.equal([]);
      await runFor(20_000);
      expect(nodes.calls.length, 'patience is over').to.be.above(0);
    });

    it('waits for longer while it receives blocks', async () => {
      for (let height = 100; height < 140; height += 1) {
        nodes.own.set(2, { height, tip: `block-${height}`, timeSeconds: startMs / 1_000 - 60 });
        await runFor(10_000);
      }
      expect(nodes.calls).to.deep.equal([]);
    });

    it('makes blocks again when no node has the newest one any more', async () => {
      await step();
      nodes.chain = { height: 0, tip: 'genesis', timeSeconds: 0 };
      await runFor(10_000);
      expect(nodes.chain.height).to.be.above(0);
    });

    it('makes its blocks while another node does not answer', async () => {
      nodes.silent.add(0);
      expect((await step()).made).to.not.equal(undefined);
    });

    it('asks the others only if it is below the height of the status, so that none that hangs holds it', async () => {
      expect((await step({ knownHeight: 500 })).made).to.not.equal(undefined);
      side.refresh();
      await step({ knownHeight: 501 });
      expect(new Set(nodes.looks)).to.deep.equal(new Set([2]));
      nodes.own.set(2, { height: 0, tip: 'genesis', timeSeconds: 0 });
      side.refresh();
      expect((await step({ knownHeight: 1 })).made).to.equal(undefined);
      expect(nodes.looks).to.include.members([0, 1]);
    });

    it('asks the others for their tips only when nodes have changed', async () => {
      await runFor(60_000);
      expect(nodes.calls.length).to.be.at.least(5);
      expect(nodes.looks.filter(ordinal => ordinal !== 2)).to.have.members([0, 1]);
    });
  });

  it('makes no block if the side has changed since the step began', async () => {
    let isCurrent = true;
    const { look } = nodes;
    nodes.look = async asked => {
      isCurrent = false;
      return await look(asked);
    };
    expect(waitOf(await step({ isCurrent: () => isCurrent }))).to.equal(1);
    expect(nodes.calls).to.deep.equal([]);
  });

  it('names a node that refuses, and tries again after its backoff', async () => {
    nodes.next = { error: new BitcoinRpcError('generatetodescriptor', -5, 'Invalid descriptor'), isMade: false };
    const failed = await step();
    expect(failed.state).to.deep.equal({
      reason: 'BlockProductionFailed',
      message: 'alice-sts-1: generatetodescriptor: Invalid descriptor (-5)',
    });
    expect(waitOf(failed)).to.equal('backoff');
    expect((await step()).made?.last).to.include({ height: 1, ordinal: 1 });
  });

  it('waits for a producer if none is ready', async () => {
    all = all.map(each => ({ ...each, isReady: false }));
    expect((await step()).state).to.deep.equal({
      reason: 'ProducerNotReady',
      message: 'none of the producers is ready (nodes 0, 1, 2)',
    });
  });

  it('makes the first blocks for wallets, each once, and waits for a wallet that is not there yet', async () => {
    spec = { initialBlocks: 10 };
    const addresses = new Map([['miner', 'bcrt1miner']]);
    const payments = [
      { wallet: { name: 'miner', ordinal: 0 }, lastHeight: 3 },
      { wallet: { name: 'user', ordinal: 1 }, lastHeight: 5 },
    ];
    const paying = () => step({ payments, addressOf: ({ name }) => addresses.get(name) });
    await paying();
    expect(await paying()).to.deep.equal({ result: { requeueAfterMs: 250 }, state: { reason: 'MiningInitialBlocks' } });
    addresses.set('user', 'bcrt1user');
    nodes.next = { error: timeout, isMade: true };
    for (let steps = 0; steps < 4; steps += 1) await paying();
    expect(nodes.calls.map(([, blocks]) => blocks)).to.deep.equal([3, 2, 5]);
    expect(nodes.payees).to.deep.equal(['addr(bcrt1miner)', 'addr(bcrt1user)', undefined]);
    expect(nodes.chain.height).to.equal(10);
  });

  it('makes the blocks of a wallet whose node does not exist as without wallets', async () => {
    spec = { initialBlocks: 4 };
    const payments = [
      { wallet: undefined, lastHeight: 3 },
      { wallet: { name: 'user', ordinal: 1 }, lastHeight: 4 },
    ];
    for (let steps = 0; steps < 2; steps += 1) await step({ payments, addressOf: () => 'bcrt1user' });
    expect(nodes.calls.map(([, blocks]) => blocks)).to.deep.equal([3, 1]);
    expect(nodes.payees).to.deep.equal([undefined, 'addr(bcrt1user)']);
  });

  it('makes no block on a chain that has lost the blocks that it should begin with', async () => {
    const { state } = await step({ leastHeight: 300 });
    expect(state).to.deep.equal({
      reason: 'ProducerNotReady',
      message: 'alice-sts-1 has 0 of the 300 blocks of the network',
    });
    expect(nodes.calls).to.be.empty;
  });
});
