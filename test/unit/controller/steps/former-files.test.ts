import type { V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import { isRolledOut, withFormerFiles } from '../../../../src/controller/steps/former-files.ts';

const setOf = (currentRevision: string, observedGeneration = 2): V1StatefulSet => ({
  metadata: { generation: 2 },
  status: { replicas: 1, currentRevision, updateRevision: 'new', observedGeneration },
});

describe('the ConfigMap of a network whose pods have yet to be replaced', () => {
  it('keeps the files that they start from, and no key of another writer', () => {
    const current = { data: { 'bitcoin.conf': 'old', 'start.sh': 'old', 'rpcauth.sh': 'x', 'volume.sh': 'y', foreign: 'z' } };
    const desired = { metadata: { name: 'alice-conf' }, data: { 'bitcoin.conf': 'new', 'start.sh': 'new' } };
    expect(withFormerFiles(desired, current)).to.deep.equal({
      metadata: { name: 'alice-conf' },
      data: { 'bitcoin.conf': 'new', 'start.sh': 'new', 'rpcauth.sh': 'x', 'volume.sh': 'y' },
    });
    expect(withFormerFiles(desired, undefined)).to.deep.equal(desired);
  });

  it('is the same text as what is desired when no file goes, whatever the order in which the API server returns its files', () => {
    const [configuration, start, script] = [{ 'bitcoin.conf': 'a' }, { 'start.sh': 'b' }, { 'rpcauth.sh': 'c' }];
    const desired = { data: { ...configuration, ...start, ...script } };
    const current = { data: { ...configuration, ...script, ...start } };
    expect(JSON.stringify(withFormerFiles(desired, current))).to.equal(JSON.stringify(desired));
  });

  it('is needed until the StatefulSet controller reports one revision for the set as it is', () => {
    expect(isRolledOut({ outcome: 'unchanged', object: setOf('new') }, true, [])).to.equal(true);
    expect(isRolledOut({ outcome: 'unchanged', object: setOf('old') }, true, [])).to.equal(false);
    expect(isRolledOut({ outcome: 'unchanged', object: setOf('new', 1) }, true, [])).to.equal(false);
  });

  it('is needed while a pod is of another revision, as after a change that was taken back half-way', () => {
    const podOf = (revision: string) => ({
      metadata: {
        labels: { 'controller-revision-hash': revision },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'alice-sts', uid: 'uid-sts', controller: true }],
      },
    });
    const { metadata, ...set } = setOf('new');
    const applied = { outcome: 'unchanged', object: { ...set, metadata: { ...metadata, uid: 'uid-sts' } } } as const;
    expect(isRolledOut(applied, true, [podOf('new'), podOf('half-way')])).to.equal(false);
    expect(isRolledOut(applied, true, [podOf('new')])).to.equal(true);
  });

  it('is needed while a change is refused, or a set is left as it is', () => {
    expect(isRolledOut({ outcome: 'failed', message: 'refused', error: undefined }, true, [])).to.equal(false);
    expect([true, false].map(isThere => isRolledOut(undefined, isThere, []))).to.deep.equal([false, true]);
  });
});
