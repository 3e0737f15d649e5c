import type { V1Pod } from '@kubernetes/client-node';
import { expect } from 'chai';
import { OwnPods } from '../../../../src/controller/nodes/own-pods.ts';
import { pod } from '../../../support/builders.ts';

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
  let own: OwnPods;
  beforeEach(() => {
    own = new OwnPods('uid-alice');
  });

  it('are those of the network’s StatefulSet', () => {
    own.note(statefulSet('1'));
    const pods = [podOf('1')];
    expect(own.of(pods)).to.deep.equal(pods);
  });

  it('are not those of a former network of the same name', () => {
    own.note(statefulSet('1', 'uid-before'));
    own.note(undefined);
    expect(own.of([podOf('1')])).to.deep.equal([]);
    own.note(statefulSet('2'));
    expect(own.of([podOf('1'), podOf('2')])).to.deep.equal([podOf('2')]);
  });

  it('are those of the former StatefulSet, of none and of the new one while the StatefulSet is replaced', () => {
    own.note(statefulSet('1'));
    own.note(statefulSet('2'));
    const pods = [podOf('1'), podOf(undefined), podOf('2')];
    expect(own.of(pods)).to.deep.equal(pods);
  });
});
