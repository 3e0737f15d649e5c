import { KubeConfig, type V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import { statefulSetFor } from '../../src/bitcoin/resources.ts';
import { type Applied, apply } from '../../src/controller/apply.ts';
import { statefulSets } from '../../src/controller/resource-types.ts';
import { KubeClient } from '../../src/kube-client.ts';
import { startControlPlane, type TestControlPlane } from '../support/api-server.ts';
import { network } from '../support/builders.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const pods = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' } as const;

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
});
