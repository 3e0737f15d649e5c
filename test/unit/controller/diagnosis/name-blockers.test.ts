import { expect } from 'chai';
import { blockerProblem, overdueDeletions } from '../../../../src/controller/diagnosis/name-blockers.ts';
import { pod } from '../../../support/builders.ts';

const statefulSet = {
  metadata: { namespace: 'default', name: 'alice-sts', uid: 'uid-sts' },
};
const deletionTimestamp = '2026-01-01T00:00:00Z';
const dueMs = Date.UTC(2026, 0, 1);
const terminating = pod('alice-sts-0', { deletionTimestamp });
const owned = (uid: string, name = 'other') => ({
  ...pod('alice-sts-0'),
  metadata: {
    ...pod('alice-sts-0').metadata,
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid, controller: true }],
  },
});

describe('overdueDeletions', () => {
  it('names a pod whose deletion takes longer than its grace period, with its machine and its finalizers', () => {
    const held = { ...terminating, metadata: { ...terminating.metadata, finalizers: ['example.com/hold'] } };
    const cause = 'the former pod of that name is still being deleted';
    const problem = { subject: 'alice-sts-0', reason: 'WaitingForDeletion', cause };
    expect(overdueDeletions([terminating], dueMs + 5_000)).to.deep.equal({ problems: [problem], waitMs: undefined });
    const placed = { ...terminating, status: { hostIP: '10.0.0.9' } };
    expect(overdueDeletions([placed], dueMs + 5_000).problems[0]?.cause).to.equal(`${cause} on machine 10.0.0.9`);
    expect(overdueDeletions([held], dueMs + 5_000).problems).to.deep.equal([
      { ...problem, cause: `${cause}; its finalizers are example.com/hold` },
    ]);
  });

  it('says when a pod that is being deleted will be overdue, and nothing of one that is not', () => {
    expect(overdueDeletions([terminating, pod('alice-sts-1')], dueMs - 30_000)).to.deep.equal({ problems: [], waitMs: 35_000 });
    expect(overdueDeletions([pod('alice-sts-1')], dueMs)).to.deep.equal({ problems: [], waitMs: undefined });
  });
});

describe('blockerProblem', () => {
  const problemOf = (blocker: ReturnType<typeof pod>, waitedMs = 1_000) => blockerProblem(blocker, statefulSet, waitedMs);

  it('names the owner of a pod that has taken the name', () => {
    const rest = 'Delete it, or rename the network';
    expect(problemOf(pod('alice-sts-0'))).to.deep.equal({
      subject: 'alice-sts-0',
      reason: 'NameTaken',
      cause: `a pod of that name exists and does not belong to StatefulSet alice-sts: it has no owner. ${rest}`,
    });
    expect(problemOf(owned('uid-other'))?.cause).to.include(`it belongs to StatefulSet other. ${rest}`);
  });

  it('gives the pods of a former network two seconds to go', () => {
    expect(problemOf(terminating, 1_000)).to.equal(undefined);
    expect(problemOf(terminating, 2_000)?.reason).to.equal('WaitingForDeletion');
  });

  it('gives the garbage collector ten seconds to delete the pods of a former network that it has not marked yet', () => {
    const left = owned('uid-former', 'alice-sts');
    expect(problemOf(left, 9_000)).to.equal(undefined);
    expect(problemOf(left, 10_000)).to.deep.equal({
      subject: 'alice-sts-0',
      reason: 'WaitingForDeletion',
      cause: 'the former pod of that name is left, and the garbage collector has yet to delete it',
    });
  });

  it('finds none in a pod of the StatefulSet itself', () => {
    expect(problemOf(owned('uid-sts'))).to.equal(undefined);
  });
});
