import type { V1Pod } from '@kubernetes/client-node';
import { expect } from 'chai';
import { OwnPods } from '../../../../src/controller/nodes/own-pods.ts';
import { network, pod } from '../../../support/builders.ts';

const owner = (kind: string, name: string, uid: string) => ({ apiVersion: 'v1', kind, name, uid, controller: true });
const statefulSet = (uid: string, networkUid = 'uid-alice') => ({
  metadata: { name: 'alice-sts', uid, ownerReferences: [owner('BitcoinNetwork', 'alice', networkUid)] },
});

function podOf(setUid: string | undefined): V1Pod {
  const made = pod('alice-sts-0');
  if (setUid !== undefined) Object.assign(made.metadata ?? {}, { ownerReferences: [owner('StatefulSet', 'alice-sts', setUid)] });
  return made;
}

describe('OwnPods', () => {
  const alice = network();
  let own: OwnPods;
  beforeEach(() => {
    own = new OwnPods();
  });

  it('are those of the network’s StatefulSet', () => {
    own.note(alice, statefulSet('1'));
    const pods = [podOf('1')];
    expect(own.of(alice, pods)).to.deep.equal(pods);
  });

  it('are not those of a network that had the name before', () => {
    const before = network({}, { uid: 'uid-before' });
    own.note(before, statefulSet('1', 'uid-before'));
    expect(own.of(before, [podOf('1')])).to.have.length(1);
    own.note(alice, statefulSet('1', 'uid-before'));
    own.note(alice, undefined);
    expect(own.of(alice, [podOf('1')])).to.deep.equal([]);
    own.note(alice, statefulSet('2'));
    expect(own.of(alice, [podOf('1'), podOf('2')])).to.deep.equal([podOf('2')]);
  });

  it('stay its own while its StatefulSet is replaced: of the old one, of none, of the new one', () => {
    own.note(alice, statefulSet('1'));
    own.note(alice, statefulSet('2'));
    const pods = [podOf('1'), podOf(undefined), podOf('2')];
    expect(own.of(alice, pods)).to.deep.equal(pods);
  });

  it('are forgotten with the network', () => {
    own.note(alice, statefulSet('1'));
    own.forget('default/alice');
    expect(own.of(alice, [podOf('1')])).to.deep.equal([]);
  });
});
