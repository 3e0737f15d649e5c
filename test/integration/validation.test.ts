// A real API server validates a BitcoinNetwork by the generated CustomResourceDefinition.
import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { kind } from '../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinition } from '../../src/bitcoin/api/custom-resource-definition.ts';
import { networks } from '../../src/controller/resource-types.ts';
import { ApiError, type ApiErrorCause } from '../../src/kube/api-error.ts';
import { KubeClient, type KubeObject, type ResourceType } from '../../src/kube/client.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { untilEstablished } from '../support/cluster/established.ts';
import { thrownBy } from '../support/fakes/fake-api-server.ts';
import { RecordingLogger } from '../support/fakes/recording-logger.ts';
import { acceptedSpecs } from './validation/accepted-specs.ts';
import { acceptedChanges, type Change, refusedChanges } from './validation/changes.ts';
import { refusedSpecs } from './validation/refused-specs.ts';

const apiVersion = 'bitcoincontroller.christianb93.github.com/v1';
const long = 'a'.repeat(300);

/** The fault, the object, and the field that the message must name. */
const refused: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['no spec', { spec: undefined }, /spec: Required/],
  ['no nodes', { spec: {} }, /spec\.nodes: Required/],
  ['a negative number of nodes', { spec: { nodes: -1 } }, /spec\.nodes.*greater than or equal to 0/],
  ['half a node', { spec: { nodes: 2.5 } }, /spec\.nodes.*integer|spec\.nodes.*int32/],
  ['more nodes than a network can join', { spec: { nodes: 1001 } }, /spec\.nodes.*less than or equal to 1000/],
  ['a number beyond 32 bits', { spec: { nodes: 4294967296 } }, /spec\.nodes/],
  ['nodes as text', { spec: { nodes: '3' } }, /spec\.nodes.*integer/],
  ['nodes as truth', { spec: { nodes: true } }, /spec\.nodes/],
  ['nodes as list', { spec: { nodes: [3] } }, /spec\.nodes.*integer/],
  ['nodes as null', { spec: { nodes: null } }, /spec\.nodes/],
  ['a Secret with capital letters', { spec: { nodes: 1, secret: 'MySecret' } }, /spec\.secret.*must be the name of a Secret/],
  ['a Secret with a blank', { spec: { nodes: 1, secret: 'my secret' } }, /spec\.secret.*must be the name of a Secret/],
  ['a Secret of another namespace', { spec: { nodes: 1, secret: 'other/secret' } }, /spec\.secret.*must be the name of a Secret/],
  ['a Secret that ends with a dash', { spec: { nodes: 1, secret: 'secret-' } }, /spec\.secret.*must be the name of a Secret/],
  ['a Secret with a name too long', { spec: { nodes: 1, secret: long } }, /spec\.secret.*(Too long|may not be more than 253)/],
  ['a Secret as number', { spec: { nodes: 1, secret: 5 } }, /spec\.secret.*string/],
  ['a Secret as object', { spec: { nodes: 1, secret: { name: 'x' } } }, /spec\.secret/],
  ['a mistyped field', { spec: { nodes: 1, secrets: 'x' } }, /unknown field "spec\.secrets"/],
  ['the spec of another kind', { spec: { nodes: 1, replicas: 3 } }, /unknown field "spec\.replicas"/],
  [
    'a name too long for its pods',
    { metadata: { name: 'a'.repeat(49) }, spec: { nodes: 1 } },
    /metadata\.name must be at most 48 characters/,
  ],
  ['a name that starts with a digit', { metadata: { name: '1st' }, spec: { nodes: 1 } }, /metadata\.name must be/],
  ['a name with a dot', { metadata: { name: 'a.b' }, spec: { nodes: 1 } }, /metadata\.name must be/],
];

const accepted: readonly (readonly [string, Record<string, unknown>])[] = [
  ['no nodes at all', { spec: { nodes: 0 } }],
  ['an empty Secret name', { spec: { nodes: 1, secret: '' } }],
  ['a Secret name with dots and dashes', { spec: { nodes: 3, secret: 'my-secret.v2' } }],
  ['the longest name', { metadata: { name: `a${'b'.repeat(47)}` }, spec: { nodes: 1 } }],
  ['as many nodes as there may be', { spec: { nodes: 1000 } }],
];

/** The type without its fields: a spec here may be one that the type forbids. */
type Loose = KubeObject & { readonly spec?: Readonly<Record<string, unknown>> };
const looseNetworks: ResourceType<Loose> = { ...networks };
const namespace = 'default';
const networkOf = (name: string, spec: Readonly<Record<string, unknown>>): Loose => ({ metadata: { namespace, name }, spec });

/** What the API server names as the causes of its refusal. */
async function causesOf(call: Promise<unknown>): Promise<readonly ApiErrorCause[]> {
  const error = await thrownBy(call);
  if (!(error instanceof ApiError)) throw error;
  return error.causes;
}

function expectCause(causes: readonly ApiErrorCause[], field: string, message: RegExp): void {
  const ofField = causes.filter(cause => cause.field === field);
  expect(
    ofField.some(cause => message.test(cause.message ?? '')),
    JSON.stringify(causes),
  ).to.equal(true);
}

describe('a BitcoinNetwork that the API server validates', function () {
  this.timeout(0);
  let server: TestControlPlane;
  let client: KubeClient;

  before(async () => {
    server = await startControlPlane();
    await server.kubectlWithInput(JSON.stringify(customResourceDefinition()), 'apply', '--server-side', '-f', '-');
    await untilEstablished(server, 'crd/bitcoinnetworks.bitcoincontroller.christianb93.github.com');
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(server.kubeconfigPath);
    client = new KubeClient({ kubeConfig, logger: new RecordingLogger() });
  });
  after(async () => {
    await client.close();
    await server.stop();
  });

  const create = (fields: Record<string, unknown>): Promise<string> =>
    server
      .kubectlWithInput(
        JSON.stringify({ apiVersion, kind, metadata: { name: 'n' }, ...fields }),
        'create',
        '--dry-run=server',
        '-f',
        '-',
      )
      .catch((error: unknown) => String(error));

  describe('by the form of its fields', () => {
    for (const [what, fields, field] of refused)
      it(`is refused with the field's name: ${what}`, async () => expect(await create(fields)).to.match(field));

    for (const [what, fields] of accepted)
      it(`is accepted: ${what}`, async () => expect(await create(fields)).to.match(/created \(server dry run\)/));
  });

  describe('by its rules', () => {
    for (const [what, { spec, field, message, name = 'n' }] of Object.entries(refusedSpecs))
      it(`is refused: ${what}`, async () => {
        const causes = await causesOf(client.create(looseNetworks, networkOf(name, spec), { isDryRun: true }));
        expectCause(causes, field, message);
      });
  });

  for (const [what, spec] of Object.entries(acceptedSpecs))
    it(`is accepted and reads back as it was written: ${what}`, async () => {
      const name = { namespace, name: 'written' };
      await client.create(looseNetworks, networkOf(name.name, spec));
      const read = await client.get(looseNetworks, name);
      await client.delete(looseNetworks, name);
      expect(read.spec).to.deep.equal(spec);
    });

  it('is explained by kubectl, field by field', async () => {
    expect(await server.kubectl('explain', 'bitcoinnetwork.spec.chain')).to.match(
      /ENUM:\s+main\s+testnet4\s+signet\s+regtest\s+DESCRIPTION:\s+The chain, .* If absent: regtest\./s,
    );
    const settings = await server.kubectl('explain', 'bitcoinnetwork.spec.groups', '--recursive');
    for (const field of ['bitcoinConf', 'podTemplate', 'tolerationSeconds', 'topologySpreadConstraints'])
      expect(settings).to.include(field);
  });

  it('has its chain and its storage in the wide output only', async () => {
    await client.create(looseNetworks, networkOf('listed', { nodes: 1, chain: 'testnet4' }));
    const narrow = await server.kubectl('get', 'bitcoinnetwork', 'listed');
    const wide = await server.kubectl('get', 'bitcoinnetwork', 'listed', '-o', 'wide');
    await client.delete(looseNetworks, { namespace, name: 'listed' });
    expect(narrow).to.match(/^NAME +NODES +READY +EDGES +HEIGHT +TIPS +CONNECTED +AGE/);
    expect(wide).to.match(/^NAME +NODES +READY +EDGES +HEIGHT +TIPS +CONNECTED +CHAIN +AGE.*testnet4/s);
    expect(wide).to.match(/ AGE +STORAGE/);
    expect(narrow).not.to.include('STORAGE');
  });

  describe('when it is changed', () => {
    const name = { namespace, name: 'changed' };

    function change({ patch, scale, apply }: Change): Promise<unknown> {
      if (scale !== undefined)
        return client.patch(looseNetworks, name, { spec: { replicas: scale } }, { patchType: 'merge', subresource: 'scale' });
      if (apply !== undefined)
        return client.apply(looseNetworks, networkOf(name.name, apply), { fieldManager: 'another', force: true });
      return client.patch(looseNetworks, name, { spec: patch }, { patchType: 'merge' });
    }

    afterEach(() => client.delete(looseNetworks, name));

    for (const [what, given] of Object.entries(refusedChanges))
      it(`refuses ${what}`, async () => {
        const { metadata } = await client.create(looseNetworks, networkOf(name.name, given.from));
        const { field = '', message = /./ } = given.refusal ?? {};
        expectCause(await causesOf(change(given)), field, message);
        expect((await client.get(looseNetworks, name)).metadata?.resourceVersion).to.equal(metadata?.resourceVersion);
      });

    for (const [what, given] of Object.entries(acceptedChanges))
      it(`accepts ${what}`, async () => {
        await client.create(looseNetworks, networkOf(name.name, given.from));
        await change(given);
      });
  });
});
