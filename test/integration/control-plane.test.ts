// What the integration tests need of their API server.
import { expect } from 'chai';
import { waitUntil } from '../../tools/kubernetes/wait-until.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';

describe('startControlPlane', () => {
  let controlPlane: TestControlPlane;

  before(async () => {
    controlPlane = await startControlPlane();
  });
  after(() => controlPlane.stop());

  it('enforces RBAC for a service account', async () => {
    await controlPlane.kubectl('create', 'serviceaccount', 'somebody');
    const kubeconfig = await controlPlane.kubeconfigForServiceAccount('default', 'somebody');
    const refused = await controlPlane.kubectl(`--kubeconfig=${kubeconfig}`, 'get', 'secrets').catch(String);
    expect(refused).to.include('cannot list resource "secrets"');
    await controlPlane.kubectl('create', 'role', 'reader', '--verb=list', '--resource=secrets');
    await controlPlane.kubectl('create', 'rolebinding', 'somebody', '--role=reader', '--serviceaccount=default:somebody');
    // The authorizer sees a binding by a watch, so not at once.
    const allowed = await waitUntil('the binding to hold', 10_000, async () => ({
      secrets: await controlPlane.kubectl(`--kubeconfig=${kubeconfig}`, 'get', 'secrets', '--output=name'),
    }));
    expect(allowed.secrets).to.equal('');
  });

  it('keeps its data and its address over a restart', async () => {
    await controlPlane.kubectl('create', 'configmap', 'kept');
    await controlPlane.restartApiServer('abruptly');
    expect(await controlPlane.kubectl('get', 'configmap', 'kept', '--output=name')).to.equal('configmap/kept\n');
  });

  it('answers 410 Gone for its history when it is compacted and restarted', async () => {
    const before = JSON.parse(await controlPlane.kubectl('get', '--raw', '/api/v1/configmaps')) as {
      metadata: { resourceVersion: string };
    };
    for (const name of ['one', 'two', 'three']) await controlPlane.kubectl('create', 'configmap', name);
    await controlPlane.compact();
    await controlPlane.restartApiServer('abruptly');
    const watch = await controlPlane
      .kubectl('get', '--raw', `/api/v1/configmaps?watch=1&timeoutSeconds=1&resourceVersion=${before.metadata.resourceVersion}`)
      .catch(String);
    expect(watch).to.match(/too old resource version|Expired|410/);
  });
});
