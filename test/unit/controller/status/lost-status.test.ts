import { expect } from 'chai';
import type { BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { LostStatus } from '../../../../src/controller/status/lost-status.ts';
import { network } from '../../../support/builders.ts';
import { RecordingLogger } from '../../../support/fakes/recording-logger.ts';

const sent: BitcoinNetworkStatus = {
  readyNodes: 1,
  conditions: [{ type: 'Ready', status: 'True', reason: 'r', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' }],
};
const pruned: BitcoinNetworkStatus = { readyNodes: 1 };

describe('LostStatus', () => {
  let logger: RecordingLogger;
  let nowMs: number;
  let lost: LostStatus;

  beforeEach(() => {
    logger = new RecordingLogger();
    nowMs = 0;
    lost = new LostStatus(logger, () => nowMs);
  });
  const errors = () => logger.entries.filter(({ level }) => level === 'error');

  it('reports nothing where the whole status is kept', () => {
    expect(lost.noteAnswer(network(), sent, structuredClone(sent))).to.equal(undefined);
    expect([lost.fault, lost.retryMs(network()), lost.isRetryDue(network())]).to.deep.equal([undefined, undefined, false]);
    expect(lost.previousOf({ ...network(), status: sent })).to.equal(sent);
  });

  it('reports nothing where only `storage` is not kept, which follows from the spec', () => {
    expect(lost.noteAnswer(network(), { ...sent, storage: 'Ephemeral' }, sent)).to.equal(undefined);
    expect([lost.fault, lost.retryMs(network())]).to.deep.equal([undefined, undefined]);
  });

  it('names the fields that are not kept, once a network and once in the log', () => {
    const words = 'does not keep status.conditions';
    expect(lost.noteAnswer(network(), sent, pruned)).to.include(words);
    expect(lost.noteAnswer(network(), sent, pruned)).to.equal(undefined);
    expect(lost.noteAnswer(network({}, { name: 'bob', uid: 'uid-bob' }), sent, pruned)).to.include(words);
    expect(lost.fault).to.include(words);
    expect(errors()).to.have.length(1);
  });

  it('counts what was sent as written, so that it is not written again', () => {
    lost.noteAnswer(network(), sent, pruned);
    expect(lost.previousOf({ ...network(), status: pruned })).to.equal(sent);
    const answered: BitcoinNetworkStatus = { replicas: 1, readyNodes: 1 };
    lost.noteAnswer(network(), { ...sent, replicas: 1 }, answered);
    expect(lost.previousOf({ ...network(), status: { readyNodes: 1, replicas: 1 } })?.conditions).to.equal(sent.conditions);
    lost.noteNotServed(network(), sent);
    expect(lost.previousOf(network())).to.equal(sent);
  });

  it('heeds what another writer, or a definition that was corrected, made of the status', () => {
    lost.noteAnswer(network(), sent, pruned);
    const other: BitcoinNetworkStatus = { readyNodes: 7 };
    expect(lost.previousOf({ ...network(), status: other })).to.equal(other);
  });

  it('does not take a status without the lost fields for a sign that they are kept', () => {
    const edges = { topology: 'Ring', wanted: 3, connected: 3, heldByController: 0, missing: [], summary: '3/3' };
    const [alice, bob] = [network(), network({}, { name: 'bob', uid: 'uid-bob' })];
    const words = 'does not keep status.edges';
    expect(lost.noteAnswer(alice, { ...sent, edges }, sent)).to.include(words);
    for (const one of [alice, bob]) expect(lost.noteAnswer(one, sent, sent)).to.equal(undefined);
    expect(lost.fault).to.include(words);
    expect(lost.retryMs(alice)).to.equal(60_000);
    expect(lost.noteAnswer(alice, { ...sent, edges }, sent)).to.equal(undefined);
    expect(errors()).to.have.length(1);
    lost.noteAnswer(alice, { ...sent, edges }, { ...sent, edges });
    expect([lost.fault, lost.retryMs(alice)]).to.deep.equal([undefined, undefined]);
  });

  it('does not retry for a network that has no such fields any more', () => {
    lost.noteAnswer(network(), sent, pruned);
    nowMs = 60_000;
    lost.noteAnswer(network(), pruned, pruned);
    expect([lost.fault, lost.retryMs(network())]).to.deep.equal([undefined, undefined]);
  });

  it('takes the status of one network for a sign that all are kept, and has the others written again all the same', () => {
    const bob = network({}, { name: 'bob', uid: 'uid-bob' });
    for (const one of [network(), bob]) lost.noteAnswer(one, sent, pruned);
    lost.noteAnswer(network(), sent, sent);
    expect(lost.fault).to.equal(undefined);
    expect(lost.retryMs(bob)).to.equal(60_000);
  });

  it('has the status written again once a minute, to see whether it is kept by then', () => {
    lost.noteNotServed(network(), sent);
    expect([lost.isRetryDue(network()), lost.retryMs(network())]).to.deep.equal([false, 60_000]);
    nowMs = 60_000;
    expect(lost.isRetryDue(network())).to.equal(true);
    lost.noteAnswer(network(), sent, sent);
    expect([lost.fault, lost.isRetryDue(network())]).to.deep.equal([undefined, false]);
  });

  it('forgets networks that are gone, and those whose name is used again', () => {
    lost.noteNotServed(network(), sent);
    expect(lost.previousOf(network({}, { uid: 'another' }))).to.equal(undefined);
    lost.forget('default/alice');
    expect(lost.fault).to.equal(undefined);
  });
});
