import { expect } from 'chai';
import { nodeSetsOf } from '../../../../src/bitcoin/resources/node-sets.ts';
import { optionConflicts } from '../../../../src/bitcoin/resources/option-conflicts.ts';
import { planNetwork } from '../../../../src/controller/network-plan.ts';
import { network } from '../../../support/builders.ts';

const withGroup = (own: readonly string[], group: readonly string[] | undefined) =>
  network({
    nodes: 4,
    bitcoinConf: [...own],
    groups: [
      { name: 'plain', nodes: 1, ordinals: { start: 200 } },
      { name: 'pruned', nodes: 1, ordinals: { start: 100 }, ...(group === undefined ? {} : { bitcoinConf: [...group] }) },
    ],
  });

const problemsOf = (own: readonly string[], group: readonly string[] | undefined): string[] => {
  const of = withGroup(own, group);
  return optionConflicts(nodeSetsOf(of), of.spec.bitcoinConf).map(({ reason, message }) => `${reason}: ${message}`);
};

describe('optionConflicts', () => {
  it('names the group in which txindex and prune meet, and the line that would be right', () => {
    expect(problemsOf(['txindex=1'], ['prune=550'])).to.deep.equal([
      'OptionsExclusive: groups[pruned].bitcoinConf: with txindex=1 of the network, txindex=1 and prune=550 exclude each other: bitcoind would not start. Add txindex=0 to the group',
    ]);
    expect(problemsOf(['prune=550'], ['txindex=1'])).to.deep.equal([
      'OptionsExclusive: groups[pruned].bitcoinConf: with prune=550 of the network, txindex=1 and prune=550 exclude each other: bitcoind would not start. Add prune=0 to the group',
    ]);
  });

  for (const [own, group] of [
    [['txindex=1'], ['txindex=0', 'prune=550']],
    [['txindex=1'], ['notxindex=1', 'prune=550']],
    [['txindex=1'], ['prune=0']],
    [['txindex=1'], ['noprune=1']],
    [['txindex=0'], ['prune=550']],
    [['txindex=1', 'txindex=0'], ['prune=550']],
    [['txindex=1'], undefined],
    [['debug=net'], ['prune=550']],
  ] as const)
    it(`is none with ${JSON.stringify(own)} and, in a group, ${JSON.stringify(group)}`, () => {
      expect(problemsOf(own, group)).to.deep.equal([]);
    });

  it('is a problem of the spec, which stays while the network is suspended', () => {
    const of = withGroup(['txindex=1'], ['notxindex=0', 'prune=1']);
    const suspended = { ...of, spec: { ...of.spec, suspend: true } };
    for (const plan of [planNetwork(of), planNetwork(suspended)])
      expect(plan.problems.map(({ reason }) => reason)).to.deep.equal(['OptionsExclusive']);
  });
});
