import { expect } from 'chai';
import type { BitcoinExperiment, BitcoinExperimentSpec } from '../../../../src/bitcoin/api/bitcoin-experiment.ts';
import { ApiError } from '../../../../src/kube/api-error.ts';
import { currentOf, demandOf } from '../../../../src/controller/experiments/demands.ts';
import { ExperimentsOfNetworks } from '../../../../src/controller/experiments/experiments-of-networks.ts';
import { experimentIndexers } from '../../../../src/controller/experiments/kept-experiment.ts';
import { advanced, ending, finished, started } from '../../../../src/controller/experiments/progress.ts';
import { whyImpossible, whyOver, whyPending } from '../../../../src/controller/experiments/start-rules.ts';
import { network } from '../../../support/builders.ts';
import { FakeCache } from '../../../support/fakes/fake-cache.ts';

const cutting: BitcoinExperimentSpec['steps'] = [
  { name: 'cut', partition: { parts: [{ name: 'one', ordinals: [0] }] } },
  { name: 'hold', wait: { seconds: 60 } },
];
const moment = { nowMs: Date.UTC(2026, 0, 1), generation: 1 };

function experiment(name: string, created: number, steps = cutting): BitcoinExperiment {
  const creationTimestamp = new Date(Date.UTC(2026, 0, 1, 0, 0, created));
  const metadata = { name, namespace: 'default', uid: `uid-${name}`, creationTimestamp };
  return { metadata, spec: { network: { name: 'alice' }, steps } };
}
const running = (name: string, created: number, steps = cutting): BitcoinExperiment => {
  const made = experiment(name, created, steps);
  return { ...made, status: started(made.spec, undefined, { chains: [] }, moment) };
};
const withStatus = (
  made: BitcoinExperiment,
  change: (status: NonNullable<BitcoinExperiment['status']>) => BitcoinExperiment['status'],
) => {
  const status = change(made.status ?? {});
  return { ...made, ...(status === undefined ? {} : { status }) };
};
const isReady = {
  conditions: ['Ready', 'Connected'].map(type => ({
    ...{ type, status: 'True' as const, observedGeneration: 1, reason: 'So', message: 'so' },
    lastTransitionTime: '2026-01-01T00:00:00Z',
  })),
};
const alice = { ...network(), status: isReady };

describe('the experiments of a network', () => {
  it('run one after another: the one that has begun, then the oldest', () => {
    const [old, middle, young] = [experiment('old', 1), experiment('middle', 2), experiment('young', 3)];
    expect(currentOf([young, old, middle])?.metadata.name).to.equal('old');
    expect(currentOf([old, running('young', 3)])?.metadata.name).to.equal('young');
    const over = withStatus(running('old', 1), status => finished(status, moment));
    expect(currentOf([over, young])?.metadata.name).to.equal('young');
    const deleted = { ...old, metadata: { ...old.metadata, deletionTimestamp: new Date() } };
    expect(currentOf([deleted, young])?.metadata.name).to.equal('young');
  });

  it('cut it as long as they run, and neither when they end, are being deleted, nor before they have begun', () => {
    const runs = running('cuts', 1);
    const failure = { reason: 'DeadlineExceeded', message: 'late' };
    expect(demandOf([runs])?.cut?.parts.map(({ name }) => name)).to.deep.equal(['one']);
    expect(demandOf([experiment('cuts', 1)])).to.equal(undefined);
    expect(demandOf([withStatus(runs, status => ending(status, failure, moment))])).to.equal(undefined);
    expect(demandOf([{ ...runs, metadata: { ...runs.metadata, deletionTimestamp: new Date() } }])).to.equal(undefined);
    // A writer that leaves the cut in the status of one that has ended.
    const over = withStatus(runs, status => ({
      ...finished(status, moment),
      ...(status.cut === undefined ? {} : { cut: status.cut }),
    }));
    expect(demandOf([over])).to.equal(undefined);
  });

  it('let its blockProduction rest while they make blocks, and in no other step', () => {
    const rests = (steps: BitcoinExperimentSpec['steps']) => demandOf([running('one', 1, steps)])?.restsProduction ?? false;
    expect(rests([{ name: 'a', mine: { ordinal: 0, blocks: 1 } }])).to.equal(true);
    expect(rests([{ name: 'a', reorg: { ordinal: 0, depth: 1 } }])).to.equal(true);
    expect(rests(cutting)).to.equal(false);
    expect(rests([{ name: 'a', wait: { seconds: 1 } }])).to.equal(false);
  });

  it('are not known before they were listed, unless there is no definition of them or no right to them', () => {
    const cache = new FakeCache<BitcoinExperiment>(experimentIndexers);
    const knownWith = (informer: { readonly hasSynced: boolean; readonly failure: Error | undefined }) => {
      const source = Object.assign(cache, { informer: () => informer });
      return new ExperimentsOfNetworks(source, each => each).isKnown('default');
    };
    expect(knownWith({ hasSynced: true, failure: undefined })).to.equal(true);
    expect(knownWith({ hasSynced: false, failure: undefined })).to.equal(false);
    expect(knownWith({ hasSynced: false, failure: new Error('no connection') })).to.equal(false);
    for (const code of [403, 404])
      expect(knownWith({ hasSynced: false, failure: new ApiError('list', code, { message: 'no' }) }), String(code)).to.equal(
        true,
      );
    expect(new ExperimentsOfNetworks(undefined, each => each).isKnown('default')).to.equal(true);
  });

  it('are met when the network has done what they demand, and not by an earlier demand', () => {
    const cache = new FakeCache<BitcoinExperiment>(experimentIndexers);
    const all = new ExperimentsOfNetworks(cache, each => each);
    expect(all.isMet(alice)).to.equal(true);
    cache.put(running('cuts', 1));
    expect(all.isMet(alice)).to.equal(false);
    all.noteMet(alice, all.demandOn(alice));
    expect(all.isMet(alice)).to.equal(true);
    cache.remove('default/cuts');
    expect(all.isMet(alice)).to.equal(false);
    all.noteMet(alice, undefined);
    expect(all.isMet(alice)).to.equal(true);
  });
});

describe('an experiment that waits', () => {
  const one = experiment('one', 1);
  const why = (of: Parameters<typeof whyPending>[1], others: readonly BitcoinExperiment[] = [one]) =>
    whyPending(one, of, others)?.reason;

  it('names what it waits for', () => {
    expect(why(alice)).to.equal(undefined);
    expect(why(undefined)).to.equal('NetworkMissing');
    expect(why({ ...alice, metadata: { ...alice.metadata, deletionTimestamp: new Date() } })).to.equal('NetworkMissing');
    expect(why(alice, [one, running('other', 2)])).to.equal('AnotherExperiment');
    const annotations = { 'bitcoincontroller.christianb93.github.com/paused': 'true' };
    expect(why({ ...alice, metadata: { ...alice.metadata, annotations } })).to.equal('NetworkPaused');
    expect(why({ ...alice, spec: { nodes: 3, suspend: true } })).to.equal('NetworkSuspended');
    expect(why({ ...alice, spec: { nodes: 3, partition: { parts: [] } } })).to.equal('NetworkPartitioned');
    expect(why(network())).to.equal('NetworkNotReady');
    expect(why({ ...alice, metadata: { ...alice.metadata, generation: 2 } })).to.equal('NetworkNotReady');
  });

  it('waits for the initial blocks, whatever keeps them from being made, unless blockProduction is paused', () => {
    const whyAt = (height: number, reason: string, paused = false) => {
      const chain = { name: 'regtest', height, tip: 'ab', tips: 1, forkDepth: 0 };
      const produced = { type: 'BlocksProduced', status: 'False', reason, message: '', lastTransitionTime: '' } as const;
      const spec = { nodes: 3, blockProduction: { initialBlocks: 101, intervalSeconds: 10, paused } };
      const conditions = [...alice.status.conditions, produced];
      return why({ ...alice, spec, status: { ...alice.status, chain, conditions } });
    };
    for (const reason of ['MiningInitialBlocks', 'ProducerNotReady', 'BlockProductionFailed', 'Paused'])
      expect(whyAt(100, reason), reason).to.equal('NetworkNotReady');
    expect(whyAt(101, 'ProducerNotReady')).to.equal(undefined);
    expect(whyAt(0, 'InitialBlocksMined'), 'the height is written later').to.equal(undefined);
    expect(whyAt(0, 'Paused', true)).to.equal(undefined);
  });

  it('fails at once for what the network does not have', () => {
    const impossible = (step: object, spec: object = {}) => {
      const of = { ...alice, spec: { nodes: 3, ...spec } };
      return whyImpossible(of, [{ name: 'a', ...step }])?.message;
    };
    expect(impossible({ mine: { ordinal: 2, blocks: 1 } })).to.equal(undefined);
    expect(impossible({ mine: { ordinal: 3, blocks: 1 } })).to.equal('step a: there is no node 3 (nodes: 0-2)');
    expect(impossible({ isolate: { ordinals: [1, 9], forSeconds: 1 } })).to.equal('step a: there is no node 9 (nodes: 0-2)');
    expect(impossible({ partition: { parts: [{ name: 'one', groups: ['old'] }] } })).to.include('there is no group old');
    expect(impossible({ reorg: { ordinal: 0, depth: 1 } }, { nodes: 1 })).to.equal('step a: the network has no second node');
    expect(impossible({ mine: { ordinal: 0, blocks: 1 } }, { chain: 'testnet4' })).to.include('only on regtest');
    expect(impossible({ mine: { ordinal: 0, blocks: 1 } }, { chain: 'signet', signet: { challenge: '51' } })).to.equal(undefined);
  });

  it('ends when its network is gone or cut by its spec, when another one has begun before, and after its time', () => {
    const runs = running('runs', 2);
    const over = (of: Parameters<typeof whyOver>[1], seconds = 0, others = [runs]) =>
      whyOver(runs, of, others, moment.nowMs + seconds * 1_000)?.reason;
    expect(over(alice)).to.equal(undefined);
    expect(over(undefined)).to.equal('NetworkMissing');
    expect(over({ ...alice, spec: { nodes: 3, partition: { parts: [] } } })).to.equal('NetworkPartitioned');
    expect(over(alice, 0, [runs, running('before', 1)])).to.equal('AnotherExperiment');
    expect(over(alice, 3_660)).to.equal('DeadlineExceeded');
  });

  it('ends when the spec of its network does not have a node of the present step or a later one any more', () => {
    const steps: BitcoinExperimentSpec['steps'] = [
      { name: 'first', mine: { ordinal: 2, blocks: 1 } },
      { name: 'second', restart: { ordinals: [1] } },
    ];
    const first = running('runs', 1, steps);
    const second = withStatus(first, status => advanced(first.spec, status, { chains: [] }, moment));
    const over = (runs: BitcoinExperiment, nodes: number) => whyOver(runs, { ...alice, spec: { nodes } }, [runs], moment.nowMs);
    expect(over(first, 3)).to.equal(undefined);
    expect(over(first, 2)).to.deep.equal({ reason: 'OrdinalUnknown', message: 'step first: there is no node 2 (nodes: 0-1)' });
    expect(over(second, 2), 'the step that named it is done').to.equal(undefined);
    expect(over(first, 1)?.reason).to.equal('OrdinalUnknown');
    expect(over(second, 1)?.message).to.equal('step second: there is no node 1 (nodes: 0)');
  });

  it('does not end when its network is suspended or paused, or has a spec that cannot be used', () => {
    const runs = running('runs', 1, [{ name: 'one', mine: { ordinal: 2, blocks: 1 } }]);
    const over = (of: Parameters<typeof whyOver>[1]) => whyOver(runs, of, [runs], moment.nowMs);
    expect(over({ ...alice, spec: { nodes: 3, suspend: true } })).to.equal(undefined);
    expect(over({ ...alice, spec: { nodes: 2, suspend: true } })?.reason).to.equal('OrdinalUnknown');
    const annotations = { 'bitcoincontroller.christianb93.github.com/paused': 'true' };
    expect(over({ ...alice, metadata: { ...alice.metadata, annotations }, spec: { nodes: 2 } })).to.equal(undefined);
    const unusableSpec = { reason: 'SpecMalformed', message: 'spec.nodes must be a number' } as const;
    expect(over({ ...alice, spec: { nodes: 0 }, unusableSpec })).to.equal(undefined);
  });
});
