import { expect } from 'chai';
import type { BitcoinExperimentSpec, BitcoinExperimentStatus } from '../../../../src/bitcoin/api/bitcoin-experiment.ts';
import type { NodeChain } from '../../../../src/controller/experiments/observed-chains.ts';
import {
  advanced,
  conditionOf,
  deadlineMs,
  ending,
  finished,
  pending,
  positionOf,
  started,
  waiting,
} from '../../../../src/controller/experiments/progress.ts';
import { experimentEvents } from '../../../../src/controller/events/experiments.ts';

const parts = [{ name: 'minority', ordinals: [0, 1] }];
const spec: BitcoinExperimentSpec = {
  network: { name: 'alice' },
  steps: [
    { name: 'cut', partition: { parts } },
    { name: 'three', mine: { ordinal: 0, blocks: 3 } },
    { name: 'apart', isolate: { ordinals: [2], forSeconds: 5 } },
    { name: 'deep', reorg: { ordinal: 1, depth: 2 } },
  ],
};
const tipAt = (height: number): string => String(height).padStart(64, '0');
const chain = (ordinal: number, height: number): NodeChain => ({ ordinal, height, tip: tipAt(height), isGenerating: false });
const level = [0, 1, 2].map(ordinal => chain(ordinal, 5));
const at = (seconds: number) => ({ nowMs: Date.UTC(2026, 0, 1) + seconds * 1_000, generation: 1 });

/** The stages that the experiment goes through, and the parts that the network is cut into in each. */
function course(
  of: BitcoinExperimentSpec,
  ownReorgDepth: number,
  reorgDepth = ownReorgDepth,
): { readonly stages: string[]; readonly last: BitcoinExperimentStatus } {
  let status = started(of, undefined, { chains: level }, at(0));
  const stages: string[] = [];
  for (let seconds = 1; conditionOf(status, 'Ending') === undefined; seconds += 1) {
    const { step = '', steps = [], cut } = status;
    const names = cut?.parts.map(({ name }) => name).join('+') ?? 'whole';
    stages.push(`${step} ${steps.at(-1)?.stage ?? ''} ${names}`);
    status = advanced(of, status, { chains: level, reorgDepth, ownReorgDepth }, at(seconds));
  }
  return { stages, last: status };
}

describe('the progress of an experiment', () => {
  it('goes through the stages of each step, with the cut that each asks for', () => {
    const { stages, last } = course(spec, 2);
    expect(stages).to.deep.equal([
      'cut Cutting minority',
      'three Mining minority',
      'apart Cutting isolated.2+minority',
      'apart Waiting isolated.2+minority',
      'apart Rejoining minority',
      'deep Cutting reorg.1',
      'deep Mining reorg.1',
      'deep MiningElsewhere reorg.1',
      'deep Healing whole',
    ]);
    expect(last.steps?.every(({ completionTime }) => completionTime !== undefined)).to.equal(true);
    expect([last.cut, last.reorgDepth]).to.deep.equal([undefined, 2]);
    const done = finished(last, at(60));
    expect(conditionOf(done, 'Complete')).to.include({ status: 'True', reason: 'StepsDone' });
    expect(experimentEvents(last, done).map(({ type, message }) => `${type} ${message}`)).to.deep.equal([
      'Normal 4 steps are done in 60 s; a node replaced 2 blocks at most',
    ]);
  });

  it('fails a reorg whose node replaced fewer blocks', () => {
    const { last } = course(spec, 1);
    expect(conditionOf(last, 'Ending')).to.include({ reason: 'ReorgTooShort' });
    expect(conditionOf(last, 'Ending')?.message).to.include('step deep: node 1 replaced 1 blocks instead of 2');
    expect(conditionOf(finished(last, at(60)), 'Failed')?.status).to.equal('True');
  });

  it('fails a reorg whose node replaced nothing, however many blocks the others replaced', () => {
    const { last } = course(spec, 0, 4);
    expect(conditionOf(last, 'Ending')).to.include({ reason: 'ReorgTooShort' });
    expect([last.reorgDepth, last.steps?.at(-1)?.reorgDepth]).to.deep.equal([4, 4]);
  });

  it('keeps the tip of the node of a reorg, however many others are higher', () => {
    const one = { ...spec, steps: [{ name: 'deep', reorg: { ordinal: 0, depth: 2 } }] };
    const chains = Array.from({ length: 20 }, (_, ordinal) => chain(ordinal, ordinal + 1));
    const status = advanced(one, started(one, undefined, { chains: level }, at(0)), { chains }, at(1));
    expect(status.steps?.[0]?.tips.map(({ nodes }) => nodes)).to.deep.equal(['19', '18', '17', '16', '15', '14', '13', '0']);
  });

  it('removes the cut when it ends early, and says why in the step that was not done', () => {
    const cut = started(spec, undefined, { chains: level }, at(0));
    const over = ending(cut, { reason: 'DeadlineExceeded', message: 'late' }, at(1));
    expect([over.cut, over.steps?.[0]?.message, over.steps?.[0]?.completionTime]).to.deep.equal([undefined, 'late', undefined]);
    const failed = finished(over, at(2));
    expect(conditionOf(failed, 'Failed')).to.include({ status: 'True', reason: 'DeadlineExceeded', message: 'late' });
    expect(conditionOf(failed, 'Complete')).to.equal(undefined);
    expect(experimentEvents(over, failed)).to.deep.equal([
      { type: 'Warning', reason: 'ExperimentFailed', message: 'DeadlineExceeded: late' },
    ]);
  });

  it('is found from the status alone, and not if the status is of other steps', () => {
    const status = started(spec, undefined, { chains: level }, at(0));
    const read = JSON.parse(JSON.stringify(advanced(spec, status, { chains: level }, at(1)))) as BitcoinExperimentStatus;
    expect(positionOf(spec, read)).to.deep.include({ index: 1, stageIndex: 0 });
    expect(positionOf({ ...spec, steps: [{ name: 'other', heal: {} }] }, status)).to.equal(undefined);
  });

  it('keeps the chains of the start of a stage while it runs, the highest first', () => {
    const status = started(spec, undefined, { chains: [chain(0, 5), chain(1, 7), chain(2, 7)] }, at(0));
    expect(status.steps?.[0]).to.deep.include({
      heights: [7, 5],
      tips: [
        { height: 7, hash: tipAt(7), nodes: '1-2' },
        { height: 5, hash: tipAt(5), nodes: '0' },
      ],
    });
  });

  it('keeps the time of a condition whose status stays, and the same status if there is nothing new to say', () => {
    const why = { reason: 'NetworkMissing', message: 'there is no network alice' };
    const first = pending(undefined, why, at(0));
    const second = pending(first, { ...why, reason: 'NetworkPaused' }, at(9));
    expect(conditionOf(second, 'Started')?.lastTransitionTime).to.equal('2026-01-01T00:00:00Z');
    const begun = started(spec, second, { chains: level }, at(10));
    expect(conditionOf(begun, 'Started')?.lastTransitionTime).to.equal('2026-01-01T00:00:10Z');
    const said = waiting(begun, 'until it is so');
    expect(waiting(said, 'until it is so')).to.equal(said);
    expect(waiting(said, undefined).steps?.[0]).not.to.have.property('message');
  });

  it('has an hour more than the seconds of its steps, or the time of the spec', () => {
    const status = started(spec, undefined, { chains: level }, at(0));
    expect(deadlineMs(spec, status) - at(0).nowMs).to.equal(3_605_000);
    expect(deadlineMs({ ...spec, activeDeadlineSeconds: 7 }, status) - at(0).nowMs).to.equal(7_000);
  });
});
