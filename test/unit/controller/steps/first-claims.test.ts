import type { V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { NodeSet } from '../../../../src/bitcoin/resources/node-sets.ts';
import { withoutFirstClaims } from '../../../../src/controller/steps/first-claims.ts';
import { pod } from '../../../support/builders.ts';

const set: NodeSet = { name: 'alice-sts', start: 0, nodes: 2, settings: { storage: { size: '1Gi' }, zmq: { topics: [] } } };
const stopped: NodeSet = { ...set, nodes: 0, settings: { zmq: { topics: [] } } };

function current(replicas: number, fields: { hasClaims?: boolean; observedGeneration?: number } = {}): V1StatefulSet {
  const { hasClaims = false, observedGeneration = 2 } = fields;
  const claims = hasClaims ? { volumeClaimTemplates: [{ metadata: { name: 'data' } }] } : {};
  return {
    metadata: { uid: 'uid-set', generation: 2 },
    spec: { selector: {}, serviceName: '', template: {}, replicas, ...claims },
    status: { replicas, observedGeneration },
  };
}

const made = pod('alice-sts-0', { deletionTimestamp: '2026-01-01T00:00:00Z' });
const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'alice-sts', uid: 'uid-set', controller: true };
const leaving = { ...made, metadata: { ...made.metadata, ownerReferences: [owner] } };

describe('withoutFirstClaims', () => {
  it('stops the nodes without volumes first, when a network with new storage is resumed before they were', () => {
    expect(withoutFirstClaims(set, current(2), [])).to.deep.equal(stopped);
    expect(withoutFirstClaims(set, current(0, { observedGeneration: 1 }), [])).to.deep.equal(stopped);
    expect(withoutFirstClaims(set, current(0), [leaving])).to.deep.equal(stopped);
  });

  it('adds the claims when the last of these pods is gone, and lets a set with claims be', () => {
    expect(withoutFirstClaims(set, current(0), [])).to.equal(set);
    expect(withoutFirstClaims(set, undefined, [])).to.equal(set);
    expect(withoutFirstClaims(set, current(2, { hasClaims: true }), [leaving])).to.equal(set);
  });
});
