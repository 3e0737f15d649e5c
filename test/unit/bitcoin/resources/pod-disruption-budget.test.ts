import { expect } from 'chai';
import { podDisruptionBudgetFor } from '../../../../src/bitcoin/resources/pod-disruption-budget.ts';
import { declaredNetwork } from '../../../support/builders.ts';

describe('podDisruptionBudgetFor', () => {
  it('makes none unless the network asks for one', () => {
    expect(podDisruptionBudgetFor(declaredNetwork())).to.equal(undefined);
  });

  it('lets one node of all groups be evicted at a time, and any that is not ready', () => {
    expect(podDisruptionBudgetFor(declaredNetwork({ podDisruptionBudget: {} }))?.spec).to.deep.equal({
      maxUnavailable: 1,
      selector: { matchLabels: { app: 'alice', 'app.kubernetes.io/managed-by': 'bitcoin-controller' } },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    });
    expect(
      podDisruptionBudgetFor(declaredNetwork({ podDisruptionBudget: { maxUnavailable: '25%' } }))?.spec?.maxUnavailable,
    ).to.equal('25%');
  });
});
