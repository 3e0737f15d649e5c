import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import type { Reorg } from '../../../../src/bitcoin/chain/reorg.ts';
import type { ChainState } from '../../../../src/bitcoin/rpc/chain-state.ts';
import type { Credentials } from '../../../../src/bitcoin/rpc/rpc-client.ts';
import { BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import type { BlockHeader, HeadersRequest } from '../../../../src/bitcoin/rpc/block-headers.ts';
import type { SubmitRequest } from '../../../../src/bitcoin/rpc/submit-headers.ts';
import type { BlockWait } from '../../../../src/bitcoin/rpc/wait-for-block.ts';
import type { ConnectRequest, NodeReport } from '../../../../src/bitcoin/topology/connect-node.ts';
import type { Node } from '../../../../src/bitcoin/topology/peer-plan.ts';
import { NodeMonitor } from '../../../../src/controller/nodes/node-monitor.ts';
import type { PeerPlan } from '../../../../src/controller/nodes/node-target.ts';
import { WorkQueue } from '../../../../src/runtime/work-queue.ts';
import { network, node } from '../../../support/builders.ts';
import { RecordingLogger } from '../../../support/fakes/recording-logger.ts';

const alice = network({ nodes: 3 });
const stored = network({ nodes: 2, storage: { size: '1Gi' } });
/** Every node with every other. */
const mesh: PeerPlan = { topology: undefined, externalPeers: new Map() };
const credentials: Credentials = { user: 'user', password: 'password' };
const timeout = new BitcoinTransportError('timeout', 'no answer within 15000 ms');

/** Small ones, so that the test can exceed them. */
const [maxAsks, maxUnresponsiveAsks] = [20, 5];

/** Nodes whose answers the test decides. */
class FakeNodes {
  /** The names of the nodes that were asked, in order. */
  asked: string[] = [];
  /** Those that were asked to write their chain to disk. */
  readonly flushed: string[] = [];
  /** The nodes as they were asked. */
  readonly nodes: Node[] = [];
  /** Nodes that do not answer, with how many of their asks are open. */
  readonly hanging = new Map<string, number>();
  readonly failing = new Map<string, BitcoinTransportError>();
  readonly incomplete = new Set<string>();
  /** Nodes whose peers are changed when they are asked to write their chain to disk next, so that they do not. */
  readonly unflushed = new Set<string>();
  /** The height of the chain of each node, if it has one. */
  readonly heights = new Map<string, number>();
  /** What each node has replaced since it was asked last, if it has. */
  readonly reorgs = new Map<string, Reorg>();
  /** The chain that each node was asked to compare its present one with. */
  readonly former = new Map<string, ChainState | undefined>();
  /** The held calls that wait for a block, as "IP HEIGHT", each with what answers it. */
  readonly waits = new Map<string, (height: number) => void>();

  /** The heights at which the newest blocks were read. */
  readonly read: number[] = [];

  readonly readHeaders = async ({ chain: { height, tip } }: HeadersRequest): Promise<BlockHeader[]> => {
    this.read.push(height);
    await Promise.resolve();
    return [{ height, hash: tip, parent: `tip-${height - 1}`, timeSeconds: 1_000, transactions: 1 }];
  };

  /** The nodes that were given headers, by address. */
  readonly helped: string[] = [];
  readonly submitHeaders = async ({ target }: SubmitRequest): Promise<number> => {
    this.helped.push(target.host);
    await Promise.resolve();
    return 1;
  };

  readonly waitForBlock = ({ host, height }: BlockWait, signal: AbortSignal): Promise<number> =>
    new Promise((resolve, reject) => {
      const key = `${host} ${height}`;
      this.waits.set(key, reached => {
        this.waits.delete(key);
        resolve(reached);
      });
      signal.addEventListener('abort', () => {
        this.waits.delete(key);
        reject(signal.reason as Error);
      });
    });

  readonly ask = async ({ node: each, flushes = false, former }: ConnectRequest, signal: AbortSignal): Promise<NodeReport> => {
    this.asked.push(each.name);
    if (flushes) this.flushed.push(each.name);
    this.nodes.push(each);
    this.former.set(each.name, former);
    await Promise.resolve();
    const failure = this.failing.get(each.name);
    if (this.hanging.has(each.name)) return this.#hang(each, signal);
    if (failure !== undefined) return { node: each, isComplete: false, failure };
    const height = this.heights.get(each.name);
    const chain = height === undefined ? {} : { chain: { height, tip: `tip-${height}` } };
    const reorg = this.reorgs.get(each.name);
    this.reorgs.delete(each.name);
    const hasFlushed = flushes && !this.unflushed.delete(each.name);
    const found = { ...chain, ...(reorg === undefined ? {} : { reorg }), hasFlushed };
    return { node: each, isComplete: !this.incomplete.has(each.name), ...found };
  };

  /** Throws when the signal aborts, or times out after 15 s. */
  #hang(each: Node, signal: AbortSignal): Promise<NodeReport> {
    const count = (change: number) => this.hanging.set(each.name, (this.hanging.get(each.name) ?? 0) + change);
    count(1);
    return new Promise((resolve, reject) => {
      const end = setTimeout(() => {
        count(-1);
        resolve({ node: each, isComplete: false, failure: timeout });
      }, 15_000);
      signal.addEventListener('abort', () => {
        clearTimeout(end);
        count(-1);
        reject(signal.reason as Error);
      });
    });
  }
}

describe('NodeMonitor', () => {
  let clock: Clock;
  let stop: AbortController;
  let running: Promise<void>;
  let monitor: NodeMonitor;
  let fake: FakeNodes;
  let requests: string[];
  let failures: string[];

  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    [stop, fake, requests, failures] = [new AbortController(), new FakeNodes(), [], []];
    monitor = new NodeMonitor({
      ...{ name: 'nodes', ask: fake.ask, recheckMs: 120_000, logger: new RecordingLogger(), random: () => 0 },
      ...{ maxAsks, maxUnresponsiveAsks, waitForBlock: fake.waitForBlock },
      ...{ readHeaders: fake.readHeaders, submitHeaders: fake.submitHeaders },
      queue: new WorkQueue({ baseDelayMs: 250, maxDelayMs: 10_000, qps: 1_000, burst: 5_000 }),
      onFailure: ({ metadata }, report) => failures.push(`${metadata.name}: ${report.node.name} ${report.failure?.message}`),
    });
    monitor.requests.subscribe(({ key }) => requests.push(key));
    running = monitor.run(stop.signal);
  });

  afterEach(async () => {
    stop.abort(new Error('the test is over'));
    await clock.tickAsync(0);
    await running;
    expect(clock.countTimers()).to.equal(0);
    clock.uninstall();
  });

  const readyNodes = (count: number, fields: Partial<Node> = {}): Node[] =>
    Array.from({ length: count }, (_, ordinal) => node(ordinal, fields));

  /** Observes the nodes and lets those that answer do so. */
  async function observe(nodes: readonly Node[], of = alice) {
    monitor.observe(of, nodes, credentials, mesh);
    await clock.tickAsync(0);
  }

  /** What the reconciler would see now of nodes that have not changed. */
  const completeness = (nodes: readonly Node[], of = alice) =>
    monitor.observe(of, nodes, credentials, mesh).reports.map(({ isComplete }) => isComplete);

  /** The names of the nodes that are asked within `ms`. */
  async function askedWithin(ms: number): Promise<string[]> {
    fake.asked = [];
    await clock.tickAsync(ms);
    return fake.asked;
  }

  const names = (...ordinals: number[]) => ordinals.map(ordinal => `alice-sts-${ordinal}`);

  describe('asks', () => {
    it('every ready node once, at once, and requests the network once when all have reported', async () => {
      await observe(readyNodes(3));
      expect(fake.asked).to.deep.equal(names(0, 1, 2));
      expect(requests).to.deep.equal(['default/alice']);
      expect(completeness(readyNodes(3))).to.deep.equal([true, true, true]);
    });

    it('no node that is not ready, has no address or is being deleted', async () => {
      await observe([node(0, { isReady: false }), node(1, { ip: '' }), node(2, { isTerminating: true })]);
      expect(fake.asked).to.deep.equal([]);
    });

    describe('the new pod of a node that was ready before, as soon as it has an address', () => {
      const returning = node(1, { ip: '10.0.9.9', isReady: false });
      const isBack = node(1, { ip: '10.0.9.9' });

      beforeEach(async () => {
        await observe(readyNodes(2));
        await observe([node(0)]);
        [fake.asked, failures, requests] = [[], [], []];
      });

      it('without a report, and again when it is ready', async () => {
        await observe([node(0), returning]);
        expect(fake.asked).to.include('alice-sts-1');
        expect(completeness([node(0), returning])).to.deep.equal([true]);
        fake.asked = [];
        await observe([node(0), isBack]);
        expect(fake.asked).to.include('alice-sts-1');
        expect(completeness([node(0), isBack])).to.deep.equal([true, true]);
      });

      it('with backoff while nobody listens there, which is no failure yet', async () => {
        fake.failing.set('alice-sts-1', new BitcoinTransportError('unreachable', 'no connection (ECONNREFUSED)'));
        await observe([node(0), returning]);
        fake.asked = [];
        await clock.tickAsync(1_750);
        expect(fake.asked).to.deep.equal(names(1, 1, 1));
        expect(failures).to.deep.equal([]);
        fake.failing.clear();
        await observe([node(0), isBack]);
        expect(completeness([node(0), isBack])).to.deep.equal([true, true]);
      });

      it('and does not wait for that answer once it is ready', async () => {
        fake.hanging.set('alice-sts-1', 0);
        await observe([node(0), returning]);
        fake.asked = [];
        await observe([node(0), isBack]);
        expect(fake.asked).to.include('alice-sts-1');
      });

      it('also for a controller that has just started, by the status', async () => {
        monitor.forget('default/alice');
        const ready = { ordinal: 1, nodeName: 'alice-sts-1', ip: '10.0.0.2', dnsName: '', ready: true };
        await observe([node(0), returning], { ...alice, status: { nodes: [ready] } });
        expect(fake.asked).to.include('alice-sts-1');
      });
    });

    it('a node that was not ready or has another pod about the chain that it reported last', async () => {
      for (const name of names(0, 1)) fake.heights.set(name, 5);
      await observe(readyNodes(2));
      for (const name of names(0, 1)) fake.heights.set(name, 9);
      await observe([node(0)]);
      await observe([node(0), node(1, { ip: '10.0.9.9', isReady: false })]);
      await observe([node(0), node(1, { ip: '10.0.9.9' })]);
      expect(fake.former.get('alice-sts-1')).to.deep.equal({ height: 5, tip: 'tip-5' });
      await observe([node(0), node(1, { ip: '10.0.9.9', isReady: false })]);
      fake.heights.set('alice-sts-1', 12);
      await observe([node(0), node(1, { ip: '10.0.9.9' })]);
      expect(fake.former.get('alice-sts-1')).to.deep.equal({ height: 9, tip: 'tip-9' });
    });

    it('a node about the chain that it reported last to a former process', async () => {
      const before = { ordinal: 0, nodeName: 'alice-sts-0', ip: '10.0.0.1', dnsName: '', ready: true, height: 5, tip: 'tip-5' };
      await observe(readyNodes(1), { ...alice, status: { nodes: [before] } });
      expect(fake.former.get('alice-sts-0')).to.deep.equal({ height: 5, tip: 'tip-5' });
    });

    it('no node that has become unready at its address, which says why itself', async () => {
      await observe(readyNodes(2));
      fake.asked = [];
      await observe([node(0), node(1, { isReady: false })]);
      expect(fake.asked).to.deep.equal(['alice-sts-0']);
    });

    it('nodes with a volume to write their chain to disk at every second look, on a chain of their own, and no others', async () => {
      const groups = [{ name: 'stored', nodes: 1, ordinals: { start: 0 }, storage: { size: '1Gi' } }];
      const nodes = [node(0, { name: 'alice-sts-stored-0', group: 'stored' }), node(1)];
      await observe(nodes, network({ nodes: 2, groups }));
      expect(await askedWithin(119_000)).to.deep.equal([]);
      await clock.tickAsync(500_000);
      expect(fake.flushed).to.deep.equal(['alice-sts-stored-0', 'alice-sts-stored-0']);
    });

    it('a node with a volume to write its chain to disk at the next look if it has not got the call', async () => {
      fake.unflushed.add('alice-sts-0');
      await observe(readyNodes(1), stored);
      await clock.tickAsync(250_000);
      expect(fake.flushed).to.deep.equal(names(0));
      await clock.tickAsync(120_000);
      expect(fake.flushed).to.deep.equal(names(0, 0));
      await clock.tickAsync(120_000);
      expect(fake.flushed).to.deep.equal(names(0, 0));
    });

    it('a node with blocks to write them to disk at the second look of a process that has just started', async () => {
      const known = { ordinal: 0, nodeName: 'alice-sts-0', ip: '10.0.0.1', dnsName: '', ready: true, height: 5, tip: 'tip-5' };
      fake.heights.set('alice-sts-0', 5);
      await observe(readyNodes(2), { ...stored, status: { nodes: [known] } });
      expect(fake.flushed).to.deep.equal([]);
      await clock.tickAsync(120_000);
      expect(fake.flushed).to.deep.equal(names(0));
    });

    it('a node to write its chain to disk at the same time as without new credentials', async () => {
      await observe(readyNodes(1), stored);
      await clock.tickAsync(130_000);
      monitor.observe(stored, readyNodes(1), { ...credentials, password: 'new' }, mesh);
      await clock.tickAsync(130_000);
      expect(fake.flushed).to.deep.equal(names(0));
    });

    it('no node of a public chain to write it to disk, which takes minutes', async () => {
      await observe(readyNodes(1), network({ nodes: 1, chain: 'main', storage: { size: '1Gi' } }));
      await clock.tickAsync(600_000);
      expect(fake.asked.length).to.be.greaterThan(4);
      expect(fake.flushed).to.deep.equal([]);
    });

    it('a node as a new one, which takes one batch, only until it was asked once', async () => {
      fake.incomplete.add('alice-sts-0');
      await observe(readyNodes(1, { isNew: true }));
      await clock.tickAsync(250);
      expect(fake.nodes.map(({ isNew }) => isNew)).to.deep.equal([true, false]);
      fake.incomplete.clear();
      await clock.tickAsync(10_000);
    });

    it('every ready node again when another one becomes ready, is lost, or gets another address', async () => {
      for (const nodes of [readyNodes(2), readyNodes(3), readyNodes(2), [node(0), node(1, { ip: '10.0.9.9' })]]) {
        fake.asked = [];
        await observe(nodes);
        expect(fake.asked).to.deep.equal(nodes.map(({ name }) => name));
      }
    });

    it('no node again when a terminating pod is gone, because it was no peer any more', async () => {
      await observe([...readyNodes(2), node(2, { isReady: false, isTerminating: true })]);
      fake.asked = [];
      await observe(readyNodes(2));
      expect(fake.asked).to.deep.equal([]);
    });

    it('every ready node again with new credentials, and none without any', async () => {
      await observe(readyNodes(2));
      fake.asked = [];
      monitor.observe(alice, readyNodes(2), { ...credentials, password: 'new' }, mesh);
      await clock.tickAsync(0);
      expect(fake.asked).to.deep.equal(names(0, 1));
      expect(monitor.observe(alice, readyNodes(2), undefined, mesh).reports).to.deep.equal([]);
      expect(await askedWithin(600_000)).to.deep.equal([]);
    });

    it('every complete node once at each recheck, and requests no network while nothing has changed', async () => {
      await observe(readyNodes(2));
      requests = [];
      expect(await askedWithin(119_999)).to.deep.equal([]);
      expect(await askedWithin(1)).to.deep.equal(names(0, 1));
      expect(await askedWithin(120_000)).to.deep.equal(names(0, 1));
      expect(requests).to.deep.equal([]);
    });

    it('nothing at a reconcile that finds the same nodes', async () => {
      await observe(readyNodes(2));
      fake.asked = [];
      for (let reconcile = 0; reconcile < 5; reconcile += 1) await observe(readyNodes(2));
      expect(fake.asked).to.deep.equal([]);
    });

    it('no node of a network that is gone or paused', async () => {
      await observe(readyNodes(2));
      monitor.forget('default/alice');
      expect(await askedWithin(600_000)).to.deep.equal([]);
    });

    it('the nodes of a network that is recreated under the same name', async () => {
      await observe(readyNodes(2));
      fake.asked = [];
      await observe(readyNodes(2), network({}, { uid: 'another' }));
      expect(fake.asked).to.deep.equal(names(0, 1));
    });
  });

  describe('keeps the reorganisations that nodes report', () => {
    const chain = (height: number) => ({ height, tip: `tip-${height}` });
    /** Lets a node of a network of so many report one. */
    async function reorganise(name: string, height: number, nodes: readonly Node[]): Promise<Reorg> {
      const reorg = { depth: 1, from: chain(height - 1), to: chain(height) };
      fake.reorgs.set(name, reorg);
      fake.heights.set(name, height);
      await observe(nodes);
      monitor.askNow('default/alice', [name]);
      await clock.tickAsync(0);
      return reorg;
    }
    const reorgs = (nodes: readonly Node[]) => monitor.observe(alice, nodes, credentials, mesh).reorgs;

    it('each of them, also if a node has two before a reconcile, and those of its former pod', async () => {
      const [before, after] = [readyNodes(2), [node(0), node(1, { ip: '10.0.9.9' })]];
      await observe(before);
      const reported = [
        { nodeName: 'alice-sts-1', ordinal: 1, reorg: await reorganise('alice-sts-1', 5, before) },
        { nodeName: 'alice-sts-1', ordinal: 1, reorg: await reorganise('alice-sts-1', 6, before) },
        { nodeName: 'alice-sts-0', ordinal: 0, reorg: await reorganise('alice-sts-0', 6, before) },
      ];
      expect(reorgs(before)).to.deep.equal(reported);
      expect(await askedWithin(600_000)).to.include('alice-sts-1');
      expect(reorgs(before), 'once each').to.deep.equal(reported);
      await observe([node(0), node(1, { ip: '10.0.9.9', isReady: false })]);
      await observe(after);
      const last = { nodeName: 'alice-sts-1', ordinal: 1, reorg: await reorganise('alice-sts-1', 7, after) };
      expect(reorgs(after)).to.deep.equal([...reported, last]);
      reorgs(after).forEach(({ reorg }, index) => expect(reorg).to.equal([...reported, last][index]?.reorg));
    });

    it('the newest 64 and one for each node, and none of a network that was not observed for a while', async () => {
      const nodes = readyNodes(2);
      await observe(nodes);
      for (let height = 1; height <= 70; height += 1) await reorganise('alice-sts-0', height, nodes);
      expect(reorgs(nodes).map(({ reorg }) => reorg.to.height)).to.deep.equal(
        Array.from({ length: 66 }, (_, index) => index + 5),
      );
      monitor.forget('default/alice');
      expect(reorgs(nodes)).to.deep.equal([]);
    });
  });

  describe('with blocks on their way', () => {
    const producing = (generation: number, intervalSeconds?: number) => {
      const made = network({ nodes: 3, blockProduction: intervalSeconds === undefined ? {} : { intervalSeconds } });
      return { ...made, metadata: { ...made.metadata, generation } };
    };
    const holdAt = (height: number) => `${readyNodes(1)[0]?.ip} ${height}`;

    it('waits for the next one on one node, and asks those that lack it until they have it', async () => {
      for (const name of names(0, 1, 2)) fake.heights.set(name, 5);
      await observe(readyNodes(3), producing(1, 10));
      await clock.tickAsync(2_000);
      expect([...fake.waits.keys()]).to.deep.equal([holdAt(6)]);
      for (const name of names(0, 1)) fake.heights.set(name, 6);
      fake.waits.get(holdAt(6))?.(6);
      expect((await askedWithin(100)).sort()).to.deep.equal(names(0, 1, 2));
      fake.heights.set(names(2)[0]!, 6);
      expect(await askedWithin(100)).to.deep.equal(names(2));
      expect(await askedWithin(1_000)).to.deep.equal([]);
      expect([...fake.waits.keys()]).to.deep.equal([holdAt(7)]);
    });

    it('does not ask a node again whose answer is on its way', async () => {
      for (const name of names(0, 1, 2)) fake.heights.set(name, 5);
      await observe(readyNodes(3), producing(1, 10));
      await clock.tickAsync(2_000);
      for (const name of names(0, 1)) fake.heights.set(name, 6);
      fake.hanging.set(names(2)[0]!, 0);
      fake.waits.get(holdAt(6))?.(6);
      expect((await askedWithin(1_000)).filter(name => name === names(2)[0])).to.have.length(1);
    });

    it('reads the newest blocks once for all nodes, every five seconds at most, and nothing at rest', async () => {
      for (const name of names(0, 1, 2)) fake.heights.set(name, 5);
      await observe(readyNodes(3), producing(1, 1));
      expect(fake.read).to.deep.equal([5]);
      await clock.tickAsync(20_000);
      expect(fake.read).to.deep.equal([5]);
      for (let height = 6; height < 26; height += 1) {
        for (const name of names(0, 1, 2)) fake.heights.set(name, height);
        await clock.tickAsync(1_000);
      }
      expect(fake.read).to.have.length.within(4, 6);
      const { blocksOf } = monitor.observe(producing(1, 1), readyNodes(3), credentials, mesh);
      expect(blocksOf?.('tip-25')[0]?.height).to.be.above(20);
    });

    it('asks all nodes every two seconds, and none after each block, if blocks are more frequent', async () => {
      for (const name of names(0, 1, 2)) fake.heights.set(name, 5);
      await observe(readyNodes(3), producing(1, 1));
      fake.asked = [];
      for (let height = 6; height < 26; height += 1) {
        // A block is always on its way to one of them.
        for (const name of names(0, 1)) fake.heights.set(name, height);
        fake.heights.set(names(2)[0]!, height - 1);
        await clock.tickAsync(1_000);
      }
      expect(fake.asked).to.have.length.within(27, 33);
    });

    it('asks all nodes at their time although the network changes again and again', async () => {
      for (const name of names(0, 1, 2)) fake.heights.set(name, 5);
      await observe(readyNodes(3), producing(1, 10));
      fake.asked = [];
      for (let change = 0; change < 10; change += 1) {
        await observe(readyNodes(change % 2 === 0 ? 2 : 3), producing(1, 10));
        await clock.tickAsync(1_000);
      }
      expect(fake.asked.filter(name => name === names(0)[0])).to.have.length.at.least(4);
    });

    it('asks each of many nodes less often, so that the process asks 50 a second', async () => {
      const names200 = readyNodes(200).map(({ name }) => name);
      for (const name of names200) fake.heights.set(name, 5);
      await observe(readyNodes(200), producing(1, 3_600));
      await clock.tickAsync(10_000);
      fake.asked = [];
      await clock.tickAsync(20_000);
      expect(fake.asked).to.have.length(1_000);
    });

    it('gives headers to a node that gets no blocks, after a second, and again with backoff; none to one that gets some', async () => {
      for (const name of names(0, 1)) fake.heights.set(name, 5);
      fake.heights.set(names(2)[0]!, 0);
      await observe(readyNodes(3), producing(1, 3_600));
      await clock.tickAsync(900);
      expect(fake.helped).to.deep.equal([]);
      await clock.tickAsync(5_000);
      const [, , last] = readyNodes(3);
      expect(fake.helped).to.deep.equal([last?.ip]);
      await clock.tickAsync(60_000);
      expect(fake.helped).to.have.length(3);
      for (let height = 1; height < 5; height += 1) {
        fake.heights.set(names(2)[0]!, height);
        await clock.tickAsync(2_000);
      }
      await clock.tickAsync(60_000);
      expect(fake.helped).to.have.length.within(3, 6);
    });

    it('gives no headers to a node that does not answer', async () => {
      for (const name of names(0, 1)) fake.heights.set(name, 5);
      fake.heights.set(names(2)[0]!, 0);
      await observe(readyNodes(3), producing(1, 3_600));
      fake.failing.set(names(2)[0]!, timeout);
      await clock.tickAsync(60_000);
      expect(fake.helped).to.deep.equal([]);
    });

    it('holds no call at rest, for blocks as frequent as looks, nor at a node with one thread for calls, and ends it when blocks end', async () => {
      for (const name of names(0, 1, 2)) fake.heights.set(name, 5);
      const single = { ...producing(4, 10), spec: { ...producing(4, 10).spec, bitcoinConf: ['rpcthreads=1'] } };
      for (const resting of [network({ nodes: 3 }), producing(2), producing(3, 1), single]) {
        await observe(readyNodes(3), resting);
        await clock.tickAsync(120_000);
        expect(fake.waits.size).to.equal(0);
      }
      await observe(readyNodes(3), producing(5, 10));
      await clock.tickAsync(2_000);
      expect(fake.waits.size).to.equal(1);
      monitor.forget('default/alice');
      expect(fake.waits.size).to.equal(0);
    });
  });

  describe('when a node fails or is not complete', () => {
    it('asks that node with backoff, and no other one', async () => {
      fake.incomplete.add('alice-sts-1');
      await observe(readyNodes(3));
      fake.asked = [];
      await clock.tickAsync(1_750);
      expect(fake.asked).to.deep.equal(names(1, 1, 1));
      fake.incomplete.clear();
      await clock.tickAsync(2_000);
      expect(completeness(readyNodes(3))).to.deep.equal([true, true, true]);
      expect(await askedWithin(10_000)).to.deep.equal([]);
    });

    it('reports each failed try, and requests the network only when the report differs', async () => {
      fake.failing.set('alice-sts-0', new BitcoinTransportError('unreachable', 'no connection (ECONNREFUSED)'));
      await observe(readyNodes(1));
      await clock.tickAsync(1_750);
      expect(failures).to.deep.equal(Array(4).fill('alice: alice-sts-0 no connection (ECONNREFUSED)'));
      expect(requests).to.deep.equal(['default/alice']);
      fake.failing.clear();
      await clock.tickAsync(2_000);
      expect(requests).to.deep.equal(['default/alice', 'default/alice']);
    });

    it('keeps the failure of the last report while the node is asked again', async () => {
      fake.hanging.set('alice-sts-1', 0);
      await observe(readyNodes(2));
      await clock.tickAsync(15_000);
      const { reports } = monitor.observe(alice, readyNodes(3), credentials, mesh);
      expect(reports.map(({ failure }) => failure)).to.deep.equal([undefined, timeout]);
    });
  });

  describe('when a node hangs', () => {
    beforeEach(() => {
      fake.hanging.set('alice-sts-1', 0);
    });

    it('asks all other nodes as if it did not', async () => {
      await observe(readyNodes(3));
      await observe(
        readyNodes(2).map(each => ({ ...each, name: `bob-sts-${each.ordinal}` })),
        network({}, { name: 'bob', uid: 'b' }),
      );
      expect(fake.asked).to.deep.equal([...names(0, 1, 2), 'bob-sts-0', 'bob-sts-1']);
      expect(requests).to.deep.equal(['default/bob']);
    });

    it('lets the status wait for it for a second at most, and not again once it was unresponsive', async () => {
      await observe(readyNodes(2));
      expect(monitor.observe(alice, readyNodes(2), credentials, mesh).settlesInMs).to.equal(1_000);
      await clock.tickAsync(1_000);
      expect(monitor.observe(alice, readyNodes(2), credentials, mesh).settlesInMs).to.equal(0);
      await clock.tickAsync(14_000);
      await observe(readyNodes(3));
      expect(monitor.observe(alice, readyNodes(3), credentials, mesh).settlesInMs).to.equal(0);
    });

    it('requests the network for a report that comes late', async () => {
      await observe(readyNodes(2));
      await clock.tickAsync(14_999);
      expect(requests).to.deep.equal([]);
      await clock.tickAsync(1);
      expect(requests).to.deep.equal(['default/alice']);
    });

    it('gives it up after a second when its peers change, and asks it about the new ones', async () => {
      await observe(readyNodes(2));
      await clock.tickAsync(5_000);
      await observe(readyNodes(3));
      await clock.tickAsync(0);
      expect(fake.asked.filter(name => name === 'alice-sts-1')).to.have.length(2);
      expect(failures).to.deep.equal([]);
    });

    it('asks the pod that replaces it at once, and drops the open ask', async () => {
      await observe(readyNodes(2));
      await observe([node(0), node(1, { isReady: false })]);
      expect(fake.hanging.get('alice-sts-1')).to.equal(0);
      fake.hanging.clear();
      await observe([node(0), node(1, { ip: '10.0.9.9' })]);
      expect(completeness([node(0), node(1, { ip: '10.0.9.9' })])).to.deep.equal([true, true]);
    });
  });

  it('asks other nodes at once while more nodes hang than are asked at the same time', async () => {
    const many = readyNodes(2 * maxAsks).map(each => ({ ...each, name: `bob-sts-${each.ordinal}` }));
    for (const { name } of many) fake.hanging.set(name, 0);
    await observe(many, network({}, { name: 'bob', uid: 'uid-bob' }));
    // Until each has been unresponsive once.
    await clock.tickAsync(40_000);
    const open = [...fake.hanging.values()].reduce((sum, count) => sum + count, 0);
    expect(open).to.equal(maxUnresponsiveAsks);
    await observe(readyNodes(3));
    expect(completeness(readyNodes(3))).to.deep.equal([true, true, true]);
    monitor.forget('default/bob');
  });
});
