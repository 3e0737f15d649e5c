import { expect } from 'chai';
import type { RpcCall, RpcOutcome } from '../../../../src/bitcoin/rpc/rpc-client.ts';
import type { Node } from '../../../../src/bitcoin/topology/peer-plan.ts';
import { WalletKeeper } from '../../../../src/controller/wallets/wallet-keeper.ts';
import { WorkQueue } from '../../../../src/runtime/work-queue.ts';
import { network, node } from '../../../support/builders.ts';
import { RecordingLogger } from '../../../support/fakes/recording-logger.ts';
import { until } from '../../../support/until.ts';

const wallet = { name: 'miner', ordinal: 0 };
const alice = network({ nodes: 1, wallets: [{ name: 'miner', blocks: 100 }] });

describe('WalletKeeper', () => {
  /** The hosts that were asked for an address. */
  let paid: string[];
  /** The hosts that were asked for their wallets. */
  let lists: string[];
  /** What a host waits for before it answers. */
  let held: Map<string, Promise<void>>;
  let keeper: WalletKeeper;
  let abort: AbortController;
  let ended: Promise<void>;

  beforeEach(() => {
    [paid, lists, held] = [[], [], new Map<string, Promise<void>>()];
    const batch = async ({ host }: { readonly host: string }, calls: readonly RpcCall[]): Promise<RpcOutcome[]> => {
      if (calls.some(({ method }) => method === 'getnewaddress')) {
        paid.push(host);
        await held.get(host);
      }
      return calls.map(({ method }) => {
        if (method === 'listwalletdir') lists.push(host);
        if (method === 'listwallets') return { result: ['miner'] };
        if (method === 'listwalletdir') return { result: { wallets: [{ name: 'miner' }] } };
        return { result: `bcrt1q${host.replaceAll('.', 'x')}` };
      });
    };
    const options = { leadsForMs: () => Infinity, stored: () => alice, recheckMs: 60_000, batch };
    keeper = new WalletKeeper({ name: 'wallets', queue: new WorkQueue(), logger: new RecordingLogger(), ...options });
    abort = new AbortController();
    ended = keeper.run(abort.signal);
  });
  afterEach(async () => {
    abort.abort();
    await ended;
  });

  const request = { credentials: { user: 'u', password: 'p' } };
  const observe = (...nodes: Node[]) => keeper.observe(alice, { ...request, nodes, ordinals: new Set([0]) });
  const address = () => keeper.addressOf('default/alice', wallet);

  it('gives no address of a wallet of a former pod', async () => {
    observe(node(0));
    await until(() => address() === 'bcrt1q10x0x0x1');
    observe();
    expect(address(), 'without a pod').to.equal(undefined);
    observe(node(0, { ip: '10.0.0.9' }));
    expect(address(), 'of a new pod').to.equal(undefined);
    await until(() => address() !== undefined);
    expect(address()).to.equal('bcrt1q10x0x0x9');
  });

  for (const [title, before, after] of [
    ['is paid', { ordinals: [0, 1] }, { ordinals: [0, 1], blocks: 5 }],
    ['comes first', { ordinals: [1, 0], blocks: 5 }, { ordinals: [0, 1], blocks: 5 }],
  ] as const)
    it(`has the address at once of a loaded wallet that now ${title}, without another state meanwhile`, async () => {
      const nodes = [node(0), node(1)];
      const show = ({ ordinals, ...fields }: { readonly ordinals: readonly number[]; readonly blocks?: number }) => {
        const of = network({ nodes: 2, wallets: [{ name: 'miner', ...fields, ordinals: [...ordinals] }] });
        return keeper.observe(of, { ...request, nodes, ordinals: new Set([0, 1]) })?.state.reason;
      };
      await until(() => show(before) === 'WalletsLoaded');
      expect(address()).to.equal(undefined);
      const asked = lists.length;
      expect(show(after)).to.equal('WalletsLoaded');
      await until(() => address() !== undefined);
      for (let times = 0; times < 3; times += 1) show(after);
      expect(lists.length - asked, 'the node is asked once').to.equal(1);
    });

  it('gives no address that a former pod answers when there is a new one', async () => {
    let answer = (): void => undefined;
    held.set('10.0.0.1', new Promise(resolve => (answer = resolve)));
    observe(node(0));
    await until(() => paid.length > 0);
    observe(node(0, { ip: '10.0.0.9' }));
    answer();
    await until(() => address() !== undefined);
    expect(address()).to.equal('bcrt1q10x0x0x9');
  });
});
