import type { V1Pod } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { KubeClient } from '../../../../src/kube/client.ts';
import { positionOf, started, withPods } from '../../../../src/controller/experiments/progress.ts';
import { restartStage } from '../../../../src/controller/experiments/restart-stage.ts';
import type { StageContext } from '../../../../src/controller/experiments/stage-work.ts';
import { planNetwork } from '../../../../src/controller/network-plan.ts';
import { network, node, pod } from '../../../support/builders.ts';

const alice = network();
const spec = { network: { name: 'alice' }, steps: [{ name: 'again', restart: { ordinals: [1] } }] };
const old = { name: 'alice-sts-1', uid: 'uid-old' };
const status = withPods(started(spec, undefined, { chains: [] }, { nowMs: 0, generation: 1 }), [old]);
const client: Pick<KubeClient, 'evict'> = { evict: () => Promise.resolve() };

/** The stage after the eviction. @param ip of node 1 as the network knows it */
function after(evicted: V1Pod | undefined, ip: string) {
  const context: StageContext = {
    ...{ network: alice, plan: planNetwork(alice), isMet: true, position: positionOf(spec, status)!, nowMs: () => 0 },
    experiment: { metadata: { name: 'one', namespace: 'default', uid: 'uid' }, spec, status },
    observed: {
      ...{ network: alice, nodes: [node(0), node(1, { ip })], reports: [] },
      ...{ credentials: { user: '', password: '' }, previous: [] },
    },
    calls: {
      chains: () => Promise.resolve([]),
      countMarked: () => Promise.resolve(0),
      generate: () => Promise.resolve([]),
      mayGenerate: () => true,
      replacedBlocks: () => Promise.resolve(0),
    },
    askNow: () => undefined,
    signal: new AbortController().signal,
  };
  return restartStage(context, { stage: 'Restarting', work: 'restart', ordinals: [1] }, () => evicted, client);
}

describe('the stage of an experiment that restarts nodes', () => {
  it('waits for the new pod while the network still takes the evicted one for a ready node', async () => {
    const isDone = async (evicted: V1Pod | undefined, ip = '10.0.0.2') => 'done' in (await after(evicted, ip));
    expect(await isDone(undefined), 'gone').to.equal(false);
    expect(await isDone(pod('alice-sts-1', { ip: '10.0.0.9', isReady: false })), 'not ready').to.equal(false);
    expect(await isDone(pod('alice-sts-1', { ip: '10.0.0.9' })), 'at another address').to.equal(false);
    expect(await isDone(pod('alice-sts-1', { ip: '10.0.0.9' }), '10.0.0.9')).to.equal(true);
  });
});
