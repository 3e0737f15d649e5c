import { expect } from 'chai';
import type { RpcCall, RpcOutcome } from '../../../../src/bitcoin/rpc/rpc-client.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import { keepWallets, type WalletsStep } from '../../../../src/controller/wallets/keep-wallets.ts';

/** A bitcoind with wallets. */
class FakeWallets {
  readonly loaded = new Set<string>();
  readonly existing = new Set<string>();
  readonly calls: string[] = [];
  /** What the next call of the method fails with. */
  readonly failures = new Map<string, Error>();

  batch = async (calls: readonly RpcCall[]): Promise<RpcOutcome[]> => {
    await Promise.resolve();
    return calls.map(({ method, params: [given] = [] }) => {
      const name = typeof given === 'string' ? given : '';
      this.calls.push(`${method} ${name}`.trim());
      const error = this.failures.get(method);
      if (error instanceof BitcoinRpcError) return { error };
      if (error !== undefined) throw error;
      if (method === 'listwallets') return { result: [...this.loaded] };
      if (method === 'listwalletdir') return { result: { wallets: [...this.existing].map(each => ({ name: each })) } };
      this.loaded.add(name);
      this.existing.add(name);
      return { result: { name, warnings: [] } };
    });
  };
}

describe('keepWallets', () => {
  let node: FakeWallets;
  let recorded: string[];
  beforeEach(() => {
    [node, recorded] = [new FakeWallets(), []];
  });

  const stepOf = (...names: string[]): Promise<WalletsStep> =>
    keepWallets(node.batch, { node: 'alice-sts-0', names, isRecorded: name => recorded.includes(name) });
  const changes = () => node.calls.filter(call => !call.startsWith('list'));

  it('creates those that are missing, loads those that are not loaded, and then asks nothing but which there are', async () => {
    node.existing.add('kept');
    for (const reason of ['LoadingWallets', 'LoadingWallets', 'WalletsLoaded'])
      expect((await stepOf('kept', 'fresh')).state.reason).to.equal(reason);
    expect(changes()).to.deep.equal(['loadwallet kept', 'createwallet fresh']);
    const { result, present } = await stepOf('kept', 'fresh');
    expect(result).to.deep.equal({});
    expect([...(present ?? [])]).to.deep.equal(['kept', 'fresh']);
    expect(changes()).to.have.length(2);
  });

  it('creates a wallet that is lost only once the status does not have it any more', async () => {
    recorded = ['miner'];
    const lost = await stepOf('miner');
    expect(lost.state).to.deep.equal({ reason: 'LoadingWallets', message: 'alice-sts-0 has lost wallet miner' });
    expect([...(lost.present ?? ['?'])]).to.be.empty;
    expect(changes()).to.be.empty;
    recorded = [];
    await stepOf('miner');
    expect(changes()).to.deep.equal(['createwallet miner']);
  });

  it('says that bitcoind has no wallets', async () => {
    node.failures.set('listwallets', new BitcoinRpcError('listwallets', -32601, 'Method not found'));
    const { state, result } = await stepOf('miner');
    expect(state.reason).to.equal('WalletsUnsupported');
    expect(result).to.deep.equal({ requeue: 'rateLimited' });
  });

  for (const [method, code, message] of [
    ['createwallet', -4, 'Wallet file verification failed. Database already exists.'],
    ['createwallet', -36, 'Wallet already exists'],
    ['loadwallet', -4, 'Wallet corrupted'],
    ['loadwallet', -18, 'Path does not exist'],
  ] as const)
    it(`reports a wallet that cannot be loaded or created, in the words of bitcoind: ${method} ${code}`, async () => {
      if (method === 'loadwallet') node.existing.add('miner');
      node.failures.set(method, new BitcoinRpcError(method, code, message));
      expect((await stepOf('miner')).state).to.deep.equal({
        reason: 'WalletFailed',
        message: `alice-sts-0: wallet miner: ${method}: ${message} (${code})`,
      });
      node.failures.clear();
      // It is loaded meanwhile, or tried again.
      await stepOf('miner');
      expect((await stepOf('miner')).state.reason).to.equal('WalletsLoaded');
    });

  for (const [code, message] of [
    [-35, 'Wallet "miner" is already loaded.'],
    [-4, 'Wallet already loading.'],
  ] as const)
    it(`waits for a wallet that a call without an answer loads: ${message}`, async () => {
      node.existing.add('miner');
      node.failures.set('loadwallet', new BitcoinRpcError('loadwallet', code, message));
      expect((await stepOf('miner')).state.reason).to.equal('LoadingWallets');
    });

  it('repeats nothing blindly after a call without an answer', async () => {
    node.failures.set('createwallet', new BitcoinTransportError('timeout', 'no answer within 30000 ms'));
    expect((await stepOf('miner')).state).to.deep.equal({
      reason: 'LoadingWallets',
      message: 'alice-sts-0: no answer within 30000 ms',
    });
    node.failures.clear();
    node.existing.add('miner');
    await stepOf('miner');
    expect(changes()).to.deep.equal(['createwallet miner', 'loadwallet miner']);
  });

  it('only waits for a bitcoind that starts', async () => {
    node.failures.set('listwallets', new BitcoinRpcError('listwallets', -28, 'Loading block index…'));
    expect((await stepOf('miner')).result).to.deep.equal({ requeueAfterMs: 100 });
  });

  for (const [what, answer] of [
    ['no list', { result: 'x' }],
    ['names that are none', { result: [1] }],
  ] as const)
    it(`changes nothing when it is given ${what}`, async () => {
      const calls: string[] = [];
      const batch = (asked: readonly RpcCall[]) => {
        calls.push(...asked.map(({ method }) => method));
        return Promise.resolve(asked.map(() => answer));
      };
      const step = await keepWallets(batch, { node: 'alice-sts-0', names: ['miner'], isRecorded: () => false });
      expect(step.state.reason).to.equal('LoadingWallets');
      expect(calls).to.deep.equal(['listwallets', 'listwalletdir']);
    });
});
