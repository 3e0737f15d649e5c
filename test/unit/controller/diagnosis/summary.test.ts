import { expect } from 'chai';
import type { Problem } from '../../../../src/controller/diagnosis/pod-problems.ts';
import { causesOf, isSaidIn } from '../../../../src/controller/diagnosis/summary.ts';

const problem = (ordinal: number, fields: Partial<Problem> = {}): Problem => ({
  subject: `a-sts-${ordinal}`,
  reason: 'PodUnschedulable',
  cause: '0/1 nodes are available: 1 Insufficient cpu.',
  ...fields,
});

describe('causesOf', () => {
  it('puts the nodes with one cause together', () => {
    const problems = [
      problem(0),
      problem(1),
      problem(2, { reason: 'NodeExited', cause: 'container bitcoind exited with code 1' }),
    ];
    expect(causesOf(problems).map(({ reason, message }) => ({ reason, message }))).to.deep.equal([
      {
        reason: 'PodUnschedulable',
        message: 'a-sts-0 and 1 more cannot be scheduled: 0/1 nodes are available: 1 Insufficient cpu.',
      },
      { reason: 'NodeExited', message: 'a-sts-2: container bitcoind exited with code 1' },
    ]);
  });

  it('stays short however many causes there are', () => {
    const problems = Array.from({ length: 1_000 }, (_, ordinal) => problem(ordinal, { cause: 'x'.repeat(ordinal) }));
    expect(causesOf(problems)).to.have.length(3);
  });
});

describe('isSaidIn', () => {
  const [cause] = causesOf([problem(0)]);

  it('knows a cause again whatever its numbers are and however many nodes have it', () => {
    const message =
      '1 of 3 nodes are ready; a-sts-1 and 4 more cannot be scheduled: 0/17 nodes are available: 9 Insufficient cpu.';
    expect(isSaidIn(message, cause!)).to.equal(true);
  });

  it('does not take another cause for it, nor nothing', () => {
    expect(isSaidIn('1 of 3 nodes are ready; a-sts-0 cannot be scheduled: no memory', cause!)).to.equal(false);
    expect(isSaidIn(undefined, cause!)).to.equal(false);
  });
});
