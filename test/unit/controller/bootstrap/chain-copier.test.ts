import { expect } from 'chai';
import type { BitcoinNetwork } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { ChainCopier, type CopyObserved } from '../../../../src/controller/bootstrap/chain-copier.ts';
import { keyOf } from '../../../../src/kube/resource.ts';
import { WorkQueue } from '../../../../src/runtime/work-queue.ts';
import { network, node } from '../../../support/builders.ts';
import { FakeChainNode } from '../../../support/fakes/fake-chain-node.ts';
import { RecordingLogger } from '../../../support/fakes/recording-logger.ts';
import { eventually } from '../../../support/until.ts';

const credentials = { user: 'u', password: 'p' };

describe('ChainCopier', () => {
  /** By address. */
  let nodes: Map<string, FakeChainNode>;
  let stored: Map<string, BitcoinNetwork>;
  /** The addresses that each network's credentials were sent to. */
  let sent: string[];
  let leadsForMs: number;
  /** How often the copier asked for how long it leads. */
  let asked: number;
  let copier: ChainCopier;
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(() => {
    nodes = new Map();
    stored = new Map();
    [sent, leadsForMs, asked] = [[], Infinity, 0];
    for (const ip of ['10.1.0.1', '10.2.0.1', '10.0.0.1', '10.0.0.9']) nodes.set(ip, new FakeChainNode(ip));
    nodes.get('10.1.0.1')?.mine(700);
    nodes.get('10.2.0.1')?.mine(700, 2);
    start();
  });
  afterEach(async () => {
    stop.abort(new Error('the test is over'));
    await running;
  });

  /** A process that knows nothing. */
  function start(): void {
    stop = new AbortController();
    copier = new ChainCopier({
      ...{ name: 'copies', queue: new WorkQueue({ name: 'copies' }), logger: new RecordingLogger() },
      leadsForMs: () => {
        asked += 1;
        return leadsForMs;
      },
      sources: {
        find: ({ spec }) => Promise.resolve(sourceAt(spec.bootstrap?.network.name === 'golden' ? '10.1.0.1' : '10.2.0.1')),
      },
      stored: key => stored.get(key),
      batch: async (access, calls, { signal }) => {
        sent.push(`${access.credentials.user}@${access.host}`);
        const found = nodes.get(access.host);
        if (found === undefined) await untilAborted(signal ?? stop.signal);
        return (await found?.batch(calls, signal ?? stop.signal)) ?? [];
      },
    });
    running = copier.run(stop.signal);
  }
  const sourceAt = (ip: string) => ({
    nodes: [node(0, { name: `source-${ip}`, ip })],
    ...{ credentials: { user: 'source', password: 's' }, rpcPort: 18443, initialBlocks: 0 },
  });
  const networkOf = (name: string, from: string): BitcoinNetwork =>
    network({ nodes: 1, bootstrap: { network: { name: from } } }, { name, uid: `uid-${name}` });

  /** A reconcile, which stores what the copier says unless `isLost`. */
  function reconcile(of: BitcoinNetwork, ip: string, isLost = false): CopyObserved | undefined {
    const current = stored.get(keyOf(of)) ?? of;
    const observed = copier.observe(current, { nodes: [node(0, { ip })], reports: [], credentials });
    const { fixed, state } = observed ?? {};
    const status = state?.reason === 'Copied' ? 'True' : 'False';
    const Bootstrapped = {
      type: 'Bootstrapped',
      reason: state?.reason ?? '',
      message: '',
      lastTransitionTime: '',
      status,
    } as const;
    if (!isLost)
      stored.set(keyOf(of), { ...current, status: { conditions: [Bootstrapped], ...(fixed && { bootstrap: fixed }) } });
    return observed;
  }
  const untilCopied = (of: BitcoinNetwork, ip: string) => eventually(() => reconcile(of, ip)?.state.reason === 'Copied');

  it('copies for each network while a node that hangs delays only its own', async () => {
    nodes.delete('10.2.0.1');
    const [hung, alice] = [networkOf('hung', 'silver'), networkOf('alice', 'golden')];
    reconcile(hung, '10.0.0.9');
    await untilCopied(alice, '10.0.0.1');
    expect(nodes.get('10.0.0.1')?.tip).to.deep.equal(nodes.get('10.1.0.1')?.tip);
    expect(copier.isHeld(hung)).to.equal(true);
    expect(copier.isHeld(alice)).to.equal(false);
  });

  it('sends the credentials of each network to its own nodes only', async () => {
    await untilCopied(networkOf('alice', 'golden'), '10.0.0.1');
    expect([...new Set(sent)].sort()).to.deep.equal(['source@10.1.0.1', 'u@10.0.0.1']);
  });

  it('submits nothing before the last block is stored, and then that block although the other network has left it', async () => {
    const alice = networkOf('alice', 'golden');
    await eventually(() => reconcile(alice, '10.0.0.1', true)?.fixed !== undefined);
    const fixed = nodes.get('10.1.0.1')?.tip;
    nodes.get('10.1.0.1')?.reorganise(5, 7);
    expect(nodes.get('10.0.0.1')?.calls).to.be.empty;
    await untilCopied(alice, '10.0.0.1');
    expect(nodes.get('10.0.0.1')?.tip).to.deep.equal(fixed);
  });

  it('goes on in another process with the block that is stored, and asks nothing once it is copied', async () => {
    const alice = networkOf('alice', 'golden');
    await eventually(() => reconcile(alice, '10.0.0.1')?.fixed !== undefined);
    const fixed = nodes.get('10.1.0.1')?.tip;
    stop.abort(new Error('killed'));
    await running;
    nodes.get('10.1.0.1')?.reorganise(5, 7);
    start();
    await untilCopied(alice, '10.0.0.1');
    expect(nodes.get('10.0.0.1')?.tip).to.deep.equal(fixed);
    stop.abort(new Error('killed'));
    await running;
    sent.length = 0;
    start();
    expect(copier.isHeld(stored.get(keyOf(alice)) ?? alice)).to.equal(false);
    expect(reconcile(alice, '10.0.0.1')?.state.reason).to.equal('Copied');
    expect(sent).to.be.empty;
  });

  it('does nothing as long as this process does not lead', async () => {
    leadsForMs = 6_000;
    reconcile(networkOf('alice', 'golden'), '10.0.0.1');
    await eventually(() => asked > 1);
    expect(sent).to.be.empty;
  });

  it('holds a network only as long as its spec asks for blocks', () => {
    const alice = networkOf('alice', 'golden');
    expect(copier.isHeld(alice)).to.equal(true);
    expect(copier.isHeld(network({ nodes: 1 }))).to.equal(false);
    expect(copier.observe(network({ nodes: 1 }), { nodes: [], reports: [], credentials })).to.equal(undefined);
  });
});

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
