import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { configMapFor } from '../../../../src/bitcoin/resources/config-map.ts';
import { nodeSetsOf } from '../../../../src/bitcoin/resources/node-sets.ts';
import { statefulSetFor } from '../../../../src/bitcoin/resources/stateful-set.ts';
import { chainOfVolume } from '../../../../src/bitcoin/resources/storage.ts';
import { network } from '../../../support/builders.ts';

const options = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };
const setsOf = (spec: Partial<BitcoinNetworkSpec>) => {
  const of = network(spec);
  return nodeSetsOf(of).map(set => statefulSetFor(of, set, 'v', options));
};
const podOf = (spec: Partial<BitcoinNetworkSpec>) => setsOf(spec)[0]?.spec?.template.spec;
const storage = { size: '1024Mi' };

describe('a set with storage', () => {
  it('has one claim for the data of each node, and no other volume for it', () => {
    const [set] = setsOf({ storage });
    expect(set?.spec?.volumeClaimTemplates).to.deep.equal([
      { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    ]);
    expect(podOf({ storage })?.volumes?.map(({ name }) => name)).to.deep.equal(['configuration', 'conf']);
    expect(podOf({ storage })?.containers[0]?.volumeMounts?.[0]).to.deep.equal({ name: 'data', mountPath: '/bitcoin' });
  });

  it('copies its volumes from a snapshot or from another claim', () => {
    const sourceOf = (kind: 'VolumeSnapshot' | 'PersistentVolumeClaim') =>
      setsOf({ storage: { ...storage, dataSource: { kind, name: 'backup' } } })[0]?.spec?.volumeClaimTemplates?.[0]?.spec
        ?.dataSource;
    const apiGroup = 'snapshot.storage.k8s.io';
    expect(sourceOf('VolumeSnapshot')).to.deep.equal({ apiGroup, kind: 'VolumeSnapshot', name: 'backup' });
    expect(sourceOf('PersistentVolumeClaim')).to.deep.equal({ kind: 'PersistentVolumeClaim', name: 'backup' });
  });

  it('keeps its volumes unless the spec says otherwise, and in any case while the network is suspended', () => {
    const policyOf = (spec: Partial<BitcoinNetworkSpec>) => setsOf(spec)[0]?.spec?.persistentVolumeClaimRetentionPolicy;
    const retention = { whenDeleted: 'Delete', whenScaled: 'Delete' } as const;
    expect(policyOf({ storage })).to.deep.equal({ whenDeleted: 'Retain', whenScaled: 'Retain' });
    expect(policyOf({ storage: { ...storage, retention } })).to.deep.equal(retention);
    const suspended = { storage: { ...storage, retention }, suspend: true };
    expect(policyOf(suspended)).to.deep.equal({ whenDeleted: 'Delete', whenScaled: 'Retain' });
    expect(setsOf(suspended)[0]?.spec?.replicas).to.equal(0);
  });

  it('starts by the script that refuses the volume of another chain', () => {
    const [container] = podOf({ storage, chain: 'signet', signet: { challenge: '51' } })?.containers ?? [];
    expect(container?.command).to.deep.equal(['/bin/sh', '/etc/bitcoin-controller/volume.sh']);
    expect(container?.env).to.deep.include({ name: 'BC_VOLUME_CHAIN', value: 'signet 51' });
    expect(chainOfVolume({ nodes: 1 })).to.equal('regtest');
  });

  it('has the storage of the network in each group that has none of its own', () => {
    const groups = [
      { name: 'old', nodes: 1, ordinals: { start: 100 } },
      { name: 'new', nodes: 1, ordinals: { start: 200 }, storage: { size: '5Gi' } },
    ];
    const sizes = setsOf({ nodes: 3, groups, storage }).map(
      ({ spec }) => spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage,
    );
    expect(sizes).to.deep.equal(['1Gi', '1Gi', '5Gi']);
  });

  it('changes nothing of the sets without storage beside it', () => {
    const groupsOf = (fields: object) => [
      { name: 'old', nodes: 1, ordinals: { start: 100 } },
      { name: 'stored', nodes: 1, ordinals: { start: 200 }, ...fields },
    ];
    const [own, old, stored] = setsOf({ nodes: 3, groups: groupsOf({ storage }) });
    expect([own, old]).to.deep.equal(setsOf({ nodes: 3, groups: groupsOf({}) }).slice(0, 2));
    expect(own?.spec).not.to.have.any.keys('volumeClaimTemplates', 'persistentVolumeClaimRetentionPolicy');
    expect(stored?.spec?.volumeClaimTemplates).to.have.length(1);
  });

  it('has its script in the ConfigMap, which no other network has', () => {
    const keysOf = (spec: Partial<BitcoinNetworkSpec>) => Object.keys(configMapFor(network(spec))?.data ?? {});
    expect(keysOf({ storage })).to.deep.equal(['bitcoin.conf', 'start.sh', 'volume.sh']);
    expect(keysOf({ image: 'core:31' })).to.deep.equal(['bitcoin.conf', 'start.sh']);
  });
});
