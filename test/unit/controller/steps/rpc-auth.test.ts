import { createHmac } from 'node:crypto';
import type { V1Secret, V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { type CredentialsState, NetworkCredentials, type PodCredentials } from '../../../../src/controller/steps/credentials.ts';
import { ApiError } from '../../../../src/kube/api-error.ts';
import { network, statefulSetOf } from '../../../support/builders.ts';

const encoded = (value: string): string => Buffer.from(value).toString('base64');
const lineOf = (user: string, password: string, salt = 'a-salt'): string =>
  `rpcauth=${user}:${salt}$${createHmac('sha256', salt).update(password).digest('hex')}`;
const running = statefulSetOf(network(), 'v', { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' });

/** An API server with the Secrets `rpc`, of the password, and `hashes`; and a process of the controller. */
class World {
  readonly reads: string[] = [];
  readonly secrets = new Map<string, Readonly<Record<string, string>> | ApiError>();
  nowMs = 0;
  readonly #pods: PodCredentials = {};
  readonly #credentials: NetworkCredentials;

  constructor() {
    const client = { get: (_: unknown, { name }: { name: string }) => this.#get(name) } as unknown as { get: never };
    this.#credentials = new NetworkCredentials({ client, maxAgeMs: 60_000, now: () => this.nowMs });
    this.setPassword('hidden-word');
    this.setHashes(lineOf('alice', 'hidden-word'));
  }

  setPassword(password: string, user = 'alice'): void {
    this.secrets.set('rpc', { BC_RPC_USER: user, BC_RPC_PASSWORD: password });
  }

  setHashes(...lines: readonly string[]): void {
    this.secrets.set('hashes', { 'rpcauth.conf': `${lines.join('\n')}\n` });
  }

  of(spec: Partial<BitcoinNetworkSpec> = {}, current: V1StatefulSet | undefined = running): Promise<CredentialsState> {
    const declared = network({ secret: 'rpc', rpcAuth: { secretName: 'hashes' }, ...spec });
    return this.#credentials.of(declared, this.#pods, current);
  }

  async version(): Promise<string | undefined> {
    const state = await this.of();
    return state.isAvailable ? state.version : state.reason;
  }

  #get(name: string): Promise<V1Secret> {
    this.reads.push(name);
    const data = this.secrets.get(name) ?? new ApiError('GET Secret', 404, { reason: 'NotFound' });
    if (data instanceof ApiError) return Promise.reject(data);
    const entries = Object.entries(data).map(([key, value]) => [key, encoded(value)]);
    return Promise.resolve({ metadata: { uid: 'u', resourceVersion: '1' }, data: Object.fromEntries(entries) as never });
  }
}

describe('the credentials of a network with rpcAuth', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  it('are those of spec.secret, and pods are rolled when the lines of their hashes change and only then', async () => {
    const first = await world.of();
    expect(first).to.deep.include({ isAvailable: true, credentials: { user: 'alice', password: 'hidden-word' } });
    expect([first.reason, first.message]).to.deep.equal([
      'CredentialsFound',
      'Secret default/rpc holds the credentials, and Secret default/hashes their hashes for the nodes',
    ]);
    const before = await world.version();
    const both = [lineOf('alice', 'hidden-word'), lineOf('alice', 'new-word', 'b')];
    world.nowMs += 60_000;
    world.setHashes(...both);
    const during = await world.version();
    expect(during)
      .to.match(/^rpcauth\.[0-9a-f]{16}$/)
      .and.not.equal(before);
    world.nowMs += 60_000;
    world.setHashes('# a comment', ...both);
    world.setPassword('new-word');
    expect(await world.version()).to.equal(during);
    world.nowMs += 60_000;
    world.setHashes(lineOf('alice', 'new-word', 'b'));
    expect(await world.version())
      .to.match(/^rpcauth\./)
      .and.not.equal(during);
  });

  it('stay usable when one Secret was read before the last steps of a rotation, and the other after them', async () => {
    await world.of();
    world.nowMs += 30_000;
    world.setPassword('new-word');
    world.setHashes(lineOf('alice', 'new-word'));
    const other = { rpcAuth: { secretName: 'other' } };
    world.secrets.set('other', { 'rpcauth.conf': lineOf('alice', 'new-word') });
    const state = await world.of(other);
    expect(state).to.deep.include({ isAvailable: true, credentials: { user: 'alice', password: 'new-word' } });
    expect(state.previous?.[0]).to.deep.equal({ user: 'alice', password: 'hidden-word' });
  });

  it('are both read once for a time, and again when they are old', async () => {
    await world.of();
    world.nowMs += 59_999;
    await world.of();
    expect(world.reads).to.deep.equal(['rpc', 'hashes']);
    world.nowMs += 1;
    await world.of();
    expect(world.reads).to.deep.equal(['rpc', 'hashes', 'rpc', 'hashes']);
  });

  const secret = 'Secret default/hashes (spec.rpcAuth.secretName)';
  const used = 'of Secret default/rpc (spec.secret)';
  for (const [what, reason, message, prepare] of [
    ['no Secret', 'CredentialsMissing', `${secret} does not exist`, () => world.secrets.delete('hashes')],
    [
      'a Secret that it may not read',
      'CredentialsForbidden',
      `the controller may not read ${secret}: list its name in the chart's rbac.secretNames`,
      () => world.secrets.set('hashes', new ApiError('GET Secret', 403, { reason: 'Forbidden' })),
    ],
    [
      'a Secret without the key',
      'CredentialsMissing',
      `${secret} has no key rpcauth.conf, which has lines rpcauth=USER:SALT$HASH`,
      () => world.secrets.set('hashes', { 'rpcauth.txt': '' }),
    ],
    [
      'a line that bitcoind would refuse',
      'CredentialsInvalid',
      `${secret}: rpcauth.conf line 2 must be rpcauth=USER:SALT$HASH: bitcoind would not start with it`,
      () => world.setHashes(lineOf('alice', 'hidden-word'), 'rpcauth=alice:hidden-word'),
    ],
    [
      'no line of the user',
      'CredentialsInvalid',
      `${secret}: rpcauth.conf has no line for the BC_RPC_USER ${used}: add rpcauth=USER:SALT$HASH with that user`,
      () => world.setHashes(lineOf('bob', 'hidden-word')),
    ],
    [
      'no hash of the password',
      'CredentialsInvalid',
      `${secret}: no line of rpcauth.conf is the hash of the BC_RPC_PASSWORD ${used}: add rpcauth=USER:SALT$HASH with that hash`,
      () => world.setHashes(lineOf('alice', 'former-word')),
    ],
    [
      'a whitelist that lacks what the controller calls',
      'CredentialsInvalid',
      `${secret}: the rpcwhitelist in rpcauth.conf must allow the BC_RPC_USER ${used} what the controller calls: add disconnectnode, getaddednodeinfo, getblockchaininfo, getblockhash, getblockheader, getchaintips, getnetworkinfo, getpeerinfo, waitforblockheight`,
      () => world.setHashes(lineOf('alice', 'hidden-word'), 'rpcwhitelist=alice:addnode'),
    ],
  ] as const)
    it(`start no node with ${what}; the message names the field and says what would be right`, async () => {
      prepare();
      const state = await world.of();
      expect(state).to.include({ isAvailable: false, reason, message });
      expect(state.message).not.to.include('hidden-word');
      // Nodes that run may still take them.
      expect(state.credentials).to.deep.equal({ user: 'alice', password: 'hidden-word' });
      world.setHashes(lineOf('alice', 'hidden-word'));
      world.nowMs += 1_000;
      expect((await world.of()).isAvailable).to.equal(true);
    });

  it('need more of a whitelist with features that call more', async () => {
    const allowed =
      'addnode,disconnectnode,getaddednodeinfo,getblockchaininfo,getblockhash,getblockheader,getchaintips,getnetworkinfo,getpeerinfo,waitforblockheight';
    world.setHashes(lineOf('alice', 'hidden-word'), `rpcwhitelist=alice:${allowed}`);
    expect((await world.of()).isAvailable).to.equal(true);
    const bootstrap = { network: { name: 'golden' } };
    const { message } = await world.of({ blockProduction: { intervalSeconds: 5 }, bootstrap, storage: { size: '1Gi' } });
    expect(message).to.match(/: add generatetodescriptor, getrpcinfo, submitblock, gettxoutsetinfo$/);
  });

  it('are not available without the Secret of the password, whatever the hashes are', async () => {
    world.secrets.delete('rpc');
    expect(await world.of()).to.include({ isAvailable: false, message: 'Secret default/rpc (spec.secret) does not exist' });
    expect(world.reads).to.deep.equal(['rpc']);
  });
});
