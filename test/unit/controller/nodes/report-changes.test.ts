import { expect } from 'chai';
import type { NodeReport } from '../../../../src/bitcoin/topology/connect-node.ts';
import { withFormer } from '../../../../src/controller/nodes/report-changes.ts';
import { node } from '../../../support/builders.ts';

describe('withFormer', () => {
  const report: NodeReport = { node: node(0), isComplete: true, chain: { height: 0, tip: 'tip-0' } };

  it('keeps whether a node knows the tip that it had, until it is asked again', () => {
    const emptied = withFormer({ ...report, knowsFormer: false }, report);
    const later = withFormer(report, emptied);
    expect(later).to.include({ knowsFormer: false });
    expect(withFormer({ ...report, knowsFormer: true }, later)).to.include({ knowsFormer: true });
  });
});
