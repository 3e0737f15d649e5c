import { expect } from 'chai';
import type { ExperimentStep } from '../../../../src/bitcoin/api/experiment-steps.ts';
import { stagesOf } from '../../../../src/controller/experiments/step-stages.ts';
import { planNetwork, withParts } from '../../../../src/controller/network-plan.ts';
import { network } from '../../../support/builders.ts';

const steps: readonly ExperimentStep[] = [
  { name: 'apart', isolate: { ordinals: [0, 2], forSeconds: 1 } },
  { name: 'deep', reorg: { ordinal: 1, depth: 1 } },
  { name: 'cut', partition: { parts: [{ name: 'one', ordinals: [0, 1] }] } },
  { name: 'apart-again', isolate: { ordinals: [0], forSeconds: 1 } },
];
const alice = network({ nodes: 4, externalPeers: [{ address: '192.0.2.1', ordinals: [0, 1, 2, 3] }] });

describe('the cut of a step of an experiment', () => {
  it('takes their external peers from the nodes that it cuts off, and leaves the others theirs', () => {
    const keptIn = steps.map((_, index) => {
      const [stage] = stagesOf(steps, index);
      const parts = stage?.work === 'connect' ? (stage.parts ?? []) : [];
      return [...(withParts(planNetwork(alice), parts).cut?.externalPeers.keys() ?? [])];
    });
    expect(keptIn).to.deep.equal([[1, 3], [0, 2, 3], [0, 1], [1]]);
  });
});
