import { KubeConfig, type V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import { type PodOptions, statefulSetFor } from '../../src/bitcoin/resources.ts';
import { type Applied, apply } from '../../src/controller/apply.ts';
import { Repairs } from '../../src/controller/repairs.ts';
import { statefulSets } from '../../src/controller/resource-types.ts';
import { KubeClient } from '../../src/kube-client.ts';
import { startControlPlane, type TestControlPlane } from '../support/api-server.ts';
import { network } from '../support/builders.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const pods: PodOptions = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };

describe('apply with a real API server', () => {
  let controlPlane: TestControlPlane;
  let client: KubeClient;
  before(async () => {
    controlPlane = await startControlPlane();
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(controlPlane.kubeconfigPath);
    client = new KubeClient({ kubeConfig, logger: new RecordingLogger() });
  });
  after(async () => {
    await client.close();
    await controlPlane.stop();
  });

  let number = 0;
  let name: string;
  beforeEach(() => {
    name = `network-${(number += 1)}`;
  });

  const desired = (secret?: string, options = pods) =>
    statefulSetFor(network(secret === undefined ? {} : { secret }, { name, uid: `uid-${name}` }), secret, options);
  const stored = () => client.get(statefulSets, { namespace: 'default', name: `${name}-sts` });
  const container = (statefulSet: V1StatefulSet) => statefulSet.spec?.template.spec?.containers[0];

  async function applied(wanted: V1StatefulSet, current?: V1StatefulSet): Promise<Applied<V1StatefulSet>> {
    return apply(client, statefulSets, wanted, current);
  }

  it('removes what is no longer wanted from an object that it created, such as the Secret of a network', async () => {
    await applied(desired('my-secret'));
    expect(container(await stored())?.env).to.deep.equal([{ name: 'BC_RPC_SECRET', value: 'my-secret' }]);
    const { outcome } = await applied(desired(), await stored());
    expect(outcome).to.equal('updated');
    const now = await stored();
    expect(container(now)?.env).to.equal(undefined);
    expect(container(now)?.envFrom).to.equal(undefined);
    expect(now.spec?.template.metadata?.annotations).to.equal(undefined);
  });

  it('finds what it created unchanged', async () => {
    await applied(desired('my-secret'));
    expect((await applied(desired('my-secret'), await stored())).outcome).to.equal('unchanged');
  });

  it('keeps what others added, and takes back what others changed', async () => {
    await applied(desired());
    await controlPlane.kubectl('label', 'statefulset', `${name}-sts`, 'team=blue');
    await controlPlane.kubectl('annotate', 'statefulset', `${name}-sts`, 'note=kept');
    await controlPlane.kubectl('scale', 'statefulset', `${name}-sts`, '--replicas=9');
    expect((await applied(desired(), await stored())).outcome).to.equal('updated');
    const now = await stored();
    expect(now.spec?.replicas).to.equal(3);
    expect(now.metadata?.labels).to.include({ team: 'blue' });
    expect(now.metadata?.annotations).to.include({ note: 'kept' });
  });

  it('does not fight for ever with somebody who wants it otherwise, and says who finds out how', async () => {
    const repairs = new Repairs();
    const ours = desired();
    const theirs = desired(undefined, { ...pods, image: 'bitcoind:2' });
    await applied(ours);
    const outcomes: string[] = [];
    for (let turn = 0; turn < 7; turn += 1) {
      await applied(theirs, await stored());
      const result = await apply(client, statefulSets, ours, await stored(), { repairs });
      outcomes.push(result.outcome);
      if (result.outcome === 'contested') expect(result.message).to.include(`StatefulSet default/${name}-sts`);
    }
    expect(outcomes).to.deep.equal(['updated', 'updated', 'updated', 'updated', 'updated', 'contested', 'contested']);
    const asked = desired(undefined, { ...pods, image: 'bitcoind:3' });
    expect((await apply(client, statefulSets, asked, await stored(), { repairs })).outcome).to.equal('updated');
  });
});
