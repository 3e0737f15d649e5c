import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { ApiError, isAlreadyExists, isConflict, isNotFound } from '../../src/kube/api-error.ts';
import { KubeClient, type KubeObject, type ResourceType } from '../../src/kube/client.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { untilEstablished } from '../support/cluster/established.ts';
import { thrownBy } from '../support/fakes/fake-api-server.ts';
import { RecordingLogger } from '../support/fakes/recording-logger.ts';

type Loose = KubeObject & Record<string, unknown>;
const networkPolicies: ResourceType<Loose> = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  namespaced: true,
};
const definitions: ResourceType<Loose> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};
const configMaps: ResourceType<Loose> = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
const namespace = 'default';

describe('KubeClient with a real API server', () => {
  let controlPlane: TestControlPlane;
  let client: KubeClient;
  before(async () => {
    controlPlane = await startControlPlane();
    client = clientOf(controlPlane.kubeconfigPath);
  });
  after(async () => {
    await client.close();
    await controlPlane.stop();
  });

  function clientOf(kubeconfigPath: string): KubeClient {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(kubeconfigPath);
    return new KubeClient({ kubeConfig, logger: new RecordingLogger() });
  }

  it('loses nothing of a NetworkPolicy with `from` in a write, a read and another write', async () => {
    const spec = {
      podSelector: { matchLabels: { app: 'x' } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'y' } } }], ports: [{ port: 18444, protocol: 'TCP' }] }],
    };
    const name = { namespace, name: 'policy' };
    await client.apply(networkPolicies, { metadata: name, spec }, { fieldManager: 'test' });
    const read = await client.get(networkPolicies, name);
    expect(read['spec']).to.deep.equal(spec);
    expect((await client.replace(networkPolicies, read))['spec']).to.deep.equal(spec);
  });

  it('loses nothing of a custom resource definition with validation rules in CEL', async () => {
    const rules = [{ rule: 'self.nodes >= 1', message: 'a network has a node' }];
    const schema = {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: { nodes: { type: 'integer', default: 1, enum: [1, 2] } },
          'x-kubernetes-validations': rules,
        },
      },
    };
    const spec = {
      group: 'test.example.com',
      scope: 'Namespaced',
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    };
    const name = { name: 'things.test.example.com' };
    await client.apply(definitions, { metadata: name, spec }, { fieldManager: 'test' });
    await untilEstablished(controlPlane, `crd/${name.name}`);
    const read = await client.replace(definitions, await client.get(definitions, name));
    expect((read['spec'] as typeof spec).versions).to.deep.equal(spec.versions);
  });

  it('distinguishes the errors of the API server', async () => {
    const object = { metadata: { namespace, name: 'errors' } };
    const created = await client.create(configMaps, object);
    expect(isAlreadyExists(await thrownBy(client.create(configMaps, object)))).to.equal(true);
    await client.apply(configMaps, { ...object, data: { a: '1' } }, { fieldManager: 'one' });
    expect(isConflict(await thrownBy(client.replace(configMaps, created)))).to.equal(true);
    const applied = client.apply(configMaps, { ...object, data: { a: '2' } }, { fieldManager: 'another' });
    expect(isConflict(await thrownBy(applied))).to.equal(true);
    const preconditions = { uid: '00000000-0000-0000-0000-000000000000' };
    expect(isConflict(await thrownBy(client.delete(configMaps, object.metadata, { preconditions })))).to.equal(true);
    await client.delete(configMaps, object.metadata);
    expect(isNotFound(await thrownBy(client.get(configMaps, object.metadata)))).to.equal(true);
  });

  it('has the identity and the rights of the token in its kubeconfig', async () => {
    await controlPlane.kubectl('create', 'serviceaccount', 'reader');
    await controlPlane.kubectl('create', 'role', 'reader', '--verb=get', '--resource=configmaps');
    await controlPlane.kubectl('create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=default:reader');
    await client.create(configMaps, { metadata: { namespace, name: 'readable' } });
    const reader = clientOf(await controlPlane.kubeconfigForServiceAccount(namespace, 'reader'));
    try {
      await reader.get(configMaps, { namespace, name: 'readable' });
      const refused = await thrownBy(reader.delete(configMaps, { namespace, name: 'readable' }));
      expect(refused).to.be.instanceOf(ApiError).and.have.property('code', 403);
      expect(refused.message).to.include('system:serviceaccount:default:reader');
    } finally {
      await reader.close();
    }
  });

  it('works again after the API server was killed, including a call that started meanwhile', async () => {
    await client.get(configMaps, { namespace, name: 'readable' });
    await controlPlane.stopApiServer('abruptly');
    const pending = client.get(configMaps, { namespace, name: 'readable' });
    await controlPlane.startApiServer();
    expect((await pending).metadata).to.have.property('name', 'readable');
  });
});
