import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { configMapFor } from '../../../../src/bitcoin/resources/config-map.ts';
import { rpcAuthOf } from '../../../../src/bitcoin/resources/rpc-auth.ts';
import { network, statefulSetOf } from '../../../support/builders.ts';

const options = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };
const hashed = { secret: 'rpc', rpcAuth: { secretName: 'hashes' } };
const setOf = (spec: Partial<BitcoinNetworkSpec>) => statefulSetOf(network(spec), 'v', options);
const podOf = (spec: Partial<BitcoinNetworkSpec>) => setOf(spec).spec?.template.spec;

describe('the pods of a network with rpcAuth', () => {
  it('have the key rpcauth.conf of the Secret with the hashes, and nothing of the Secret with the password', () => {
    const pod = podOf(hashed);
    expect(pod?.volumes).to.deep.include({
      name: 'rpcauth',
      secret: { secretName: 'hashes', items: [{ key: 'rpcauth.conf', path: 'rpcauth.conf' }] },
    });
    const [container] = pod?.containers ?? [];
    expect(container?.volumeMounts).to.deep.include({ name: 'rpcauth', mountPath: '/etc/bitcoin-rpcauth', readOnly: true });
    expect(container?.envFrom).to.equal(undefined);
    expect(container?.env?.map(({ name }) => name)).to.deep.equal(['BC_POD_NAME']);
    expect(JSON.stringify(pod)).not.to.include('"rpc"}').and.not.include('secretRef');
  });

  it('start by the script that copies the hashes, in the place of the one that writes the password', () => {
    const conf = { 'bitcoin.conf': 'bitcoin.conf', 'rpcauth.sh': 'start.sh' };
    const itemsOf = (files: object) => Object.entries(files).map(([key, path]) => ({ key, path: path as string }));
    const volumesOf = (spec: Partial<BitcoinNetworkSpec>) => podOf(spec)?.volumes;
    expect(podOf(hashed)?.containers[0]?.command).to.deep.equal(['/bin/sh', '/etc/bitcoin-controller/start.sh']);
    expect(volumesOf(hashed)).to.deep.include({ name: 'conf', configMap: { name: 'alice-conf', items: itemsOf(conf) } });
    const stored = { ...hashed, storage: { size: '1Gi' } };
    const withVolume = itemsOf({ ...conf, 'volume.sh': 'volume.sh' });
    expect(podOf(stored)?.containers[0]?.command).to.deep.equal(['/bin/sh', '/etc/bitcoin-controller/volume.sh']);
    expect(volumesOf(stored)).to.deep.include({ name: 'conf', configMap: { name: 'alice-conf', items: withVolume } });
  });

  it('have both scripts in their ConfigMap, so that pods of before can be restarted as well', () => {
    expect(Object.keys(configMapFor(network(hashed))?.data ?? {})).to.deep.equal(['bitcoin.conf', 'start.sh', 'rpcauth.sh']);
    expect(Object.keys(configMapFor(network({ image: 'core:31' }))?.data ?? {})).to.deep.equal(['bitcoin.conf', 'start.sh']);
  });

  it('are recognized by their volume', () => {
    expect(rpcAuthOf(setOf(hashed))).to.deep.equal({ secretName: 'hashes' });
    expect(rpcAuthOf(setOf({ secret: 'rpc' }))).to.equal(undefined);
    expect(rpcAuthOf(undefined)).to.equal(undefined);
  });
});
