import type { V1Pod } from '@kubernetes/client-node';
import { expect } from 'chai';
import { managedByLabel } from '../../../../src/bitcoin/api/names.ts';
import { OwnPods } from '../../../../src/controller/nodes/own-pods.ts';
import { network, pod } from '../../../support/builders.ts';

const alice = network();
const owner = (kind: string, name: string, uid: string) => ({ apiVersion: 'v1', kind, name, uid, controller: true });
const statefulSet = (uid: string, networkUid = 'uid-alice', replicas = 3) => ({
  metadata: { name: 'alice-sts', uid, ownerReferences: [owner('BitcoinNetwork', 'alice', networkUid)] },
  spec: { replicas, selector: {}, template: {}, serviceName: 'alice-svc' },
});

function podOf(setUid: string | undefined, metadata: object = {}): V1Pod {
  const made = pod('alice-sts-0');
  const ownerReferences = setUid === undefined ? [] : [owner('StatefulSet', 'alice-sts', setUid)];
  return { ...made, metadata: { ...made.metadata, ownerReferences, ...metadata } };
}

describe('OwnPods', () => {
  let own: OwnPods;
  beforeEach(() => {
    own = new OwnPods('uid-alice');
  });

  it('are those of the network’s StatefulSet', () => {
    own.note('alice-sts', statefulSet('1'));
    const pods = [podOf('1')];
    expect(own.of(alice, pods)).to.deep.equal(pods);
  });

  it('are not those of a former network of the same name', () => {
    own.note('alice-sts', statefulSet('1', 'uid-before'));
    own.note('alice-sts', undefined);
    expect(own.of(alice, [podOf('1')])).to.deep.equal([]);
    own.note('alice-sts', statefulSet('2'));
    expect(own.of(alice, [podOf('1'), podOf('2')])).to.deep.equal([podOf('2')]);
  });

  it('are those of the former StatefulSet, of none and of the new one while the StatefulSet is replaced', () => {
    own.note('alice-sts', statefulSet('1'));
    for (const setUid of ['1', undefined, '2']) {
      if (setUid === '2') own.note('alice-sts', statefulSet('2'));
      expect(own.of(alice, [podOf(setUid)]), setUid).to.have.length(1);
    }
  });

  it('are those that the status shows, for a process that starts while the StatefulSet is replaced', () => {
    const ip = pod('alice-sts-0').status?.podIP ?? '';
    const nodes = [{ ordinal: 0, ready: true, ip, nodeName: 'alice-sts-0', dnsName: 'alice-sts-0.alice-svc' }];
    const shown = { ...alice, status: { nodes } };
    for (const setUid of ['1', undefined]) {
      const started = new OwnPods('uid-alice');
      started.note('alice-sts', undefined);
      expect(started.of(shown, [podOf(setUid)]), setUid).to.have.length(1);
      expect(started.of(shown, [podOf(undefined)]), 'without an owner').to.have.length(1);
      expect(started.of(shown, [podOf(undefined, { uid: 'uid-impostor' })]), 'another pod').to.have.length(0);
      const other = new OwnPods('uid-alice');
      other.note('alice-sts', statefulSet('2'));
      expect(other.of(shown, [podOf(setUid)]), 'with a StatefulSet').to.have.length(0);
    }
  });

  for (const [what, impostor] of [
    ['no object controls and that was no node before', podOf(undefined, { uid: 'uid-impostor' })],
    ['another StatefulSet controls', podOf('uid-of-another-set')],
    ['has another name', podOf('1', { name: 'alice-sts-00' })],
    ['lacks the label of the network', podOf('1', { labels: { [managedByLabel]: 'bitcoin-controller' } })],
    ['lacks the label of the controller', podOf('1', { labels: { app: 'alice' } })],
  ] as const)
    it(`are not a pod that ${what}`, () => {
      own.note('alice-sts', statefulSet('1'));
      own.of(alice, [podOf('1')]);
      expect(own.of(alice, [impostor])).to.deep.equal([]);
    });

  it('are not a pod without a controller again once it was none', () => {
    own.note('alice-sts', statefulSet('1'));
    own.of(alice, [podOf('1')]);
    own.of(alice, []);
    expect(own.of(alice, [podOf(undefined)])).to.deep.equal([]);
  });

  it('know how many nodes the StatefulSet of the network asks for', () => {
    expect(own.replicasOf('alice-sts')).to.equal(0);
    own.note('alice-sts', statefulSet('1', 'uid-alice', 5));
    expect(own.replicasOf('alice-sts')).to.equal(5);
    own.note('alice-sts', statefulSet('2', 'uid-of-another', 1_000));
    expect(own.replicasOf('alice-sts')).to.equal(0);
  });
});
