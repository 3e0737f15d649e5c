import { expect } from 'chai';
import type { BitcoinNetwork, BitcoinNetworkSpec } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { SourceNetworks } from '../../../../src/controller/bootstrap/source-networks.ts';
import type { CredentialsState } from '../../../../src/controller/steps/credentials.ts';
import { network, pod } from '../../../support/builders.ts';
import { fakeCaches } from '../../../support/fakes/fake-cache.ts';

const { signal } = new AbortController();
const available: CredentialsState = {
  ...{ isAvailable: true, credentials: { user: 'u', password: 'p' }, version: 'v' },
  ...{ reason: 'CredentialsFound', message: 'm' },
};
const owner = (kind: string, name: string, uid: string) => ({ apiVersion: 'v1', kind, name, uid, controller: true });

describe('SourceNetworks', () => {
  let caches: ReturnType<typeof fakeCaches>;
  let state: CredentialsState;
  let asked: string[];

  beforeEach(() => {
    caches = fakeCaches();
    [state, asked] = [available, []];
  });

  function putGolden(spec: Partial<BitcoinNetworkSpec> = {}, fields: Partial<BitcoinNetwork> = {}): void {
    caches.networks.put({ ...network({ nodes: 2, ...spec }, { name: 'golden', uid: 'uid-golden' }), ...fields });
    const metadata = {
      ...{ name: 'golden-sts', namespace: 'default', uid: 'uid-set' },
      ownerReferences: [owner('BitcoinNetwork', 'golden', 'uid-golden')],
    };
    caches.statefulSets.put({ metadata, spec: { replicas: 2, selector: {}, template: {}, serviceName: 'golden-svc' } });
    putPod(0, 'uid-set');
    putPod(1, 'uid-set');
  }
  function putPod(ordinal: number, setUid: string, isReady = true): void {
    const made = pod(`golden-sts-${ordinal}`, { ip: `10.0.0.${ordinal + 1}`, isReady });
    caches.pods.put({ ...made, metadata: { ...made.metadata, ownerReferences: [owner('StatefulSet', 'golden-sts', setUid)] } });
  }
  function find(spec: Partial<BitcoinNetworkSpec> = {}) {
    const read = (source: BitcoinNetwork) => {
      asked.push(source.metadata.name);
      return Promise.resolve(state);
    };
    const sources = new SourceNetworks({ caches, credentials: { read } });
    return sources.find(network({ bootstrap: { network: { name: 'golden' } }, ...spec }), signal);
  }

  it('finds the ready nodes, the credentials of their own network, and its initial blocks', async () => {
    putGolden({ blockProduction: { initialBlocks: 101 } });
    putPod(1, 'uid-set', false);
    const found = await find();
    expect(found).to.deep.include({ credentials: { user: 'u', password: 'p' }, rpcPort: 18443, initialBlocks: 101 });
    expect('nodes' in found && found.nodes.map(({ name }) => name)).to.deep.equal(['golden-sts-0']);
    expect(asked).to.deep.equal(['golden']);
  });

  it('takes a pod of another owner for no node, whatever its name and labels are: it gets no credentials', async () => {
    putGolden();
    putPod(0, 'uid-of-an-impostor');
    const found = await find();
    expect('nodes' in found && found.nodes.map(({ ip }) => ip)).to.deep.equal(['10.0.0.2']);
    putPod(1, 'uid-of-an-impostor');
    expect(await find()).to.deep.equal({ reason: 'SourceNotReady', message: 'no node of network golden is ready' });
  });

  it('is missing if there is none in the namespace, or it is being deleted', async () => {
    const missing = { reason: 'SourceMissing', message: 'there is no network golden in namespace default' };
    expect(await find()).to.deep.equal(missing);
    putGolden();
    const [stored] = caches.networks.objects;
    caches.networks.put({ ...stored!, metadata: { ...stored!.metadata, deletionTimestamp: new Date(0) } });
    expect(await find()).to.deep.equal(missing);
  });

  const signet = { chain: 'signet', signet: { challenge: '51' } } as const;
  for (const [what, one, other, field] of [
    ['another chain', {}, signet, 'chain'],
    ['another challenge', signet, { chain: 'signet', signet: { challenge: '5121' } }, 'signet.challenge'],
    ['the public signet', signet, { chain: 'signet' }, 'signet.challenge'],
    [
      'another block time',
      signet,
      { chain: 'signet', signet: { challenge: '51', blockTimeSeconds: 30 } },
      'signet.blockTimeSeconds',
    ],
  ] as const)
    it(`is refused with ${what}`, async () => {
      putGolden(other);
      expect(await find(one)).to.deep.equal({
        reason: 'SourceOfAnotherChain',
        message: `network golden has another ${field}`,
      });
      expect(asked).to.be.empty;
    });

  it('has the same chain whether regtest is given or not', async () => {
    putGolden({ chain: 'regtest' });
    expect(await find()).to.have.property('nodes');
  });

  it('is not ready while it is suspended, waits for blocks itself, or has no usable credentials', async () => {
    putGolden({ suspend: true });
    expect(await find()).to.deep.equal({ reason: 'SourceNotReady', message: 'network golden is suspended' });
    const bootstrap = { network: { name: 'older' } };
    putGolden({ bootstrap });
    expect(await find()).to.include({ reason: 'SourceNotReady' });
    const lastTransitionTime = '2026-01-01T00:00:00Z';
    const Bootstrapped = { type: 'Bootstrapped', status: 'True', reason: 'Copied', message: 'm', lastTransitionTime } as const;
    putGolden({ bootstrap }, { status: { conditions: [Bootstrapped] } });
    expect(await find()).to.have.property('nodes');
    state = { isAvailable: false, reason: 'CredentialsMissing', message: 'Secret default/s (spec.secret) does not exist' };
    expect(await find()).to.deep.equal({
      reason: 'SourceNotReady',
      message: 'network golden: Secret default/s (spec.secret) does not exist',
    });
  });
});
