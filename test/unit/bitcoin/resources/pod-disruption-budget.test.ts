import { expect } from 'chai';
import { podDisruptionBudgetFor } from '../../../../src/bitcoin/resources/pod-disruption-budget.ts';
import { network } from '../../../support/builders.ts';

describe('podDisruptionBudgetFor', () => {
  it('makes none unless the network asks for one', () => {
    expect(podDisruptionBudgetFor(network())).to.equal(undefined);
  });

  it('lets one node of all groups be evicted at a time, and any that is not ready', () => {
    expect(podDisruptionBudgetFor(network({ podDisruptionBudget: {} }))?.spec).to.deep.equal({
      maxUnavailable: 1,
      selector: { matchLabels: { app: 'alice', 'app.kubernetes.io/managed-by': 'bitcoin-controller' } },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    });
    expect(podDisruptionBudgetFor(network({ podDisruptionBudget: { maxUnavailable: '25%' } }))?.spec?.maxUnavailable).to.equal(
      '25%',
    );
  });
});
