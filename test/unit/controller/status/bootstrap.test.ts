import { expect } from 'chai';
import type { BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import type { CopyState } from '../../../../src/controller/bootstrap/copy-state.ts';
import { transitionEvents } from '../../../../src/controller/events/transitions.ts';
import type { Observation } from '../../../../src/controller/status/observation.ts';
import { isUrgent, statusOf } from '../../../../src/controller/status/status.ts';
import { network, node } from '../../../support/builders.ts';

const fixed = { height: 300, hash: 'ab'.repeat(32) };
const alice = network({
  nodes: 2,
  bootstrap: { network: { name: 'golden' }, height: 300 },
  blockProduction: { intervalSeconds: 1 },
});
const nodes = [node(0), node(1)];

function observationOf(state: CopyState | undefined, isHeld = state?.reason !== 'Copied'): Observation {
  return {
    ...{ nodes, children: [], problems: [] },
    reports: nodes.map(each => ({ node: each, isComplete: true })),
    credentials: {
      ...{ isAvailable: true, credentials: { user: 'u', password: 'p' }, version: 'v' },
      ...{ reason: 'CredentialsFound', message: 'm' },
    },
    bootstrap: state && { state, fixed, isHeld },
  };
}
const now = new Date(0);
const copying: CopyState = { reason: 'Copying', message: 'copied 120 of 300 blocks of network golden' };
const done: CopyState = { reason: 'Copied', message: 'the chain begins with 300 blocks of network golden' };
const refused: CopyState = { reason: 'BootstrapFailed', message: 'alice-sts-0 refuses block 100: high-hash' };

const conditionsIn = ({ conditions = [] }: BitcoinNetworkStatus): Record<string, string> =>
  Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
const eventsOf = (previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus) =>
  transitionEvents(alice, previous, status)
    .filter(({ reason }) => reason.startsWith('Bootstrap'))
    .map(({ type, reason, message }) => `${type} ${reason} ${message}`);

describe('a network that starts with the blocks of another one', () => {
  const whileCopying = statusOf(alice, observationOf(copying), undefined, now);
  const afterwards = statusOf(alice, observationOf(done), whileCopying, now);

  it('is neither connected nor makes blocks before it has them', () => {
    expect(conditionsIn(whileCopying)).to.include({
      ...{ Bootstrapped: 'False Copying', Connected: 'False WaitingForBlocks', BlocksProduced: 'False WaitingForBlocks' },
      Ready: 'True AllNodesReady',
    });
    expect(whileCopying.bootstrap).to.deep.equal(fixed);
    // The reports are those of nodes that were not to be connected yet.
    expect(conditionsIn(statusOf(alice, observationOf(done, true), whileCopying, now))).to.include({
      ...{ Bootstrapped: 'True Copied', Connected: 'False WaitingForBlocks' },
    });
    expect(conditionsIn(afterwards)).to.include({ Bootstrapped: 'True Copied', Connected: 'True PeersConnected' });
  });

  it('reports once that it has them', () => {
    expect(eventsOf(undefined, whileCopying)).to.be.empty;
    expect(eventsOf(whileCopying, afterwards)).to.deep.equal([
      `Normal Bootstrapped Copied the chain of network golden up to height 300 (${fixed.hash})`,
    ]);
    expect(eventsOf(afterwards, afterwards)).to.be.empty;
  });

  it('reports a failure once', () => {
    const failed = statusOf(alice, observationOf(refused), whileCopying, now);
    expect(eventsOf(whileCopying, failed)).to.deep.equal([
      'Warning BootstrapFailed BootstrapFailed: alice-sts-0 refuses block 100: high-hash',
    ]);
    expect(eventsOf(failed, failed)).to.be.empty;
  });

  it('stays as it was while a controller that has just started does not know better, and while it is paused', () => {
    expect(conditionsIn(statusOf(alice, observationOf(undefined), afterwards, now))).to.include({ Bootstrapped: 'True Copied' });
    const paused = statusOf(alice, { isPaused: true, nodes }, afterwards, now);
    expect(conditionsIn(paused)).to.include({ Bootstrapped: 'True Copied' });
    expect(paused.bootstrap).to.deep.equal(fixed);
  });

  it('has nothing of it in its status once the field is removed', () => {
    const removed = statusOf(network({ nodes: 2 }), { ...observationOf(undefined), bootstrap: undefined }, afterwards, now);
    expect(removed).to.not.have.property('bootstrap');
    expect(conditionsIn(removed)).to.not.have.property('Bootstrapped');
  });

  it('has the last block stored at once, and progress later', () => {
    const { bootstrap, ...without } = whileCopying;
    expect(bootstrap).to.deep.equal(fixed);
    expect(isUrgent(without, whileCopying)).to.equal(true);
    const further = statusOf(alice, observationOf({ ...copying, message: 'copied 200' }), whileCopying, now);
    expect(isUrgent(whileCopying, further)).to.equal(false);
  });
});
