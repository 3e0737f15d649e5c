// A real API server validates a BitcoinExperiment by the generated CustomResourceDefinition.
import { expect } from 'chai';
import { experimentApiVersion, experimentKind } from '../../src/bitcoin/api/bitcoin-experiment.ts';
import { customResourceDefinitions } from '../../src/bitcoin/api/custom-resource-definition.ts';
import { experiments } from '../../src/controller/resource-types.ts';
import { ApiError, type ApiErrorCause } from '../../src/kube/api-error.ts';
import type { KubeClient, KubeObject, ResourceType } from '../../src/kube/client.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { untilEstablished } from '../support/cluster/established.ts';
import { clientOf } from '../support/cluster/kube-access.ts';
import { thrownBy } from '../support/fakes/fake-api-server.ts';

type Loose = KubeObject & { readonly spec?: unknown };
const loose: ResourceType<Loose> = { ...experiments };
const namespace = 'default';
const network = { name: 'study' };
const withStep = (step: object) => ({ network, steps: [{ name: 'one', ...step }] });
const parts = [{ name: 'minority', ordinals: [0, 1] }];
const oneThing = /a step does exactly one thing: give one of partition, heal, mine, wait, reorg, isolate and restart/;

/** The spec, the field that is named, and what is said about it. */
const refused: Readonly<Record<string, readonly [spec: object, field: string, message: RegExp]>> = {
  'no network': [{ steps: withStep({ heal: {} }).steps }, 'spec.network', /Required/],
  'no step': [{ network, steps: [] }, 'spec.steps', /should have at least 1 items/],
  'a step that does nothing': [withStep({}), 'spec.steps[0]', oneThing],
  'a step that does two things': [withStep({ heal: {}, wait: { seconds: 1 } }), 'spec.steps[0]', oneThing],
  'two steps of one name': [
    {
      network,
      steps: [
        { name: 'one', heal: {} },
        { name: 'one', heal: {} },
      ],
    },
    'spec.steps[1]',
    /Duplicate value/,
  ],
  'a name with capital letters': [
    { network, steps: [{ name: 'One', heal: {} }] },
    'spec.steps[0].name',
    /must be lower-case letters, digits and "-", .* such as cut/,
  ],
  'no parts': [withStep({ partition: { parts: [] } }), 'spec.steps[0].partition.parts', /at least 1 items/],
  'a part without nodes': [
    withStep({ partition: { parts: [{ name: 'empty' }] } }),
    'spec.steps[0].partition.parts[0]',
    /must name nodes: give ordinals, groups or both/,
  ],
  'a part with the name of the rest': [
    withStep({ partition: { parts: [{ name: 'rest', ordinals: [0] }] } }),
    'spec.steps[0].partition.parts[0].name',
    /must not be rest/,
  ],
  'no blocks': [withStep({ mine: { ordinal: 0, blocks: 0 } }), 'spec.steps[0].mine.blocks', /greater than or equal to 1/],
  'too many blocks': [
    withStep({ mine: { ordinal: 0, blocks: 1001 } }),
    'spec.steps[0].mine.blocks',
    /less than or equal to 1000/,
  ],
  'blocks of no node': [withStep({ mine: { blocks: 1 } }), 'spec.steps[0].mine.ordinal', /Required/],
  'nothing to wait for': [withStep({ wait: {} }), 'spec.steps[0].wait', /give either seconds or condition/],
  'two things to wait for': [
    withStep({ wait: { seconds: 1, condition: 'Ready' } }),
    'spec.steps[0].wait',
    /give either seconds or condition/,
  ],
  'a reorganisation of no block': [
    withStep({ reorg: { ordinal: 0, depth: 0 } }),
    'spec.steps[0].reorg.depth',
    /greater than or equal to 1/,
  ],
  'an isolation without end': [withStep({ isolate: { ordinals: [0] } }), 'spec.steps[0].isolate.forSeconds', /Required/],
  'a node that is isolated twice': [
    withStep({ isolate: { ordinals: [1, 1], forSeconds: 1 } }),
    'spec.steps[0].isolate.ordinals[1]',
    /Duplicate value/,
  ],
  'a restart of no node': [withStep({ restart: { ordinals: [] } }), 'spec.steps[0].restart.ordinals', /at least 1 items/],
  'a deadline of no time': [
    { ...withStep({ heal: {} }), activeDeadlineSeconds: 0 },
    'spec.activeDeadlineSeconds',
    /greater than or equal to 1/,
  ],
};

const accepted: Readonly<Record<string, object>> = {
  'each step as short as possible': {
    network,
    steps: [
      ...[{ partition: { parts } }, { heal: {} }, { mine: { ordinal: 0, blocks: 1 } }, { wait: { seconds: 1 } }],
      ...[{ wait: { condition: 'Ready' } }, { reorg: { ordinal: 9999, depth: 999 } }],
      ...[{ isolate: { ordinals: [0], forSeconds: 1 } }, { restart: { ordinals: [0] } }],
    ].map((step, index) => ({ name: `step-${index}`, ...step })),
  },
  'as many steps as there may be, and both times': {
    ...{ network, activeDeadlineSeconds: 2_592_000, ttlSecondsAfterFinished: 0 },
    steps: Array.from({ length: 50 }, (_, index) => ({ name: `${index}`, wait: { seconds: 86_400 } })),
  },
};

describe('a BitcoinExperiment that the API server validates', function () {
  this.timeout(0);
  let server: TestControlPlane;
  let client: KubeClient;

  before(async () => {
    server = await startControlPlane();
    await server.kubectlWithInput(JSON.stringify(customResourceDefinitions()), 'apply', '--server-side', '-f', '-');
    await untilEstablished(server, 'crd/bitcoinexperiments.bitcoincontroller.christianb93.github.com');
    client = clientOf(server.kubeconfigPath);
  });
  after(async () => {
    await client.close();
    await server.stop();
  });

  async function causesOf(call: Promise<unknown>): Promise<readonly ApiErrorCause[]> {
    const error = await thrownBy(call);
    if (!(error instanceof ApiError)) throw error;
    return error.causes;
  }
  const create = (name: string, spec: object) =>
    client.create(loose, { metadata: { namespace, name }, spec }, { isStrict: true });

  for (const [what, [spec, field, message]] of Object.entries(refused))
    it(`is refused: ${what}`, async () => {
      const causes = await causesOf(create('n', spec));
      const isNamed = causes.some(cause => cause.field === field && message.test(cause.message ?? ''));
      expect(isNamed, JSON.stringify(causes)).to.equal(true);
    });

  for (const [what, spec] of Object.entries(accepted))
    it(`is accepted and reads back as it was written: ${what}`, async () => {
      const name = { namespace, name: 'written' };
      await create(name.name, spec);
      const read = await client.get(loose, name);
      await client.delete(loose, name);
      expect(read.spec).to.deep.equal(spec);
    });

  it('cannot be changed, but its labels and its status can', async () => {
    const name = { namespace, name: 'fixed' };
    await create(name.name, withStep({ heal: {} }));
    const message = /an experiment cannot be changed: create another one/;
    for (const spec of [{ ttlSecondsAfterFinished: 1 }, { network: { name: 'other' } }, withStep({ wait: { seconds: 1 } })]) {
      const causes = await causesOf(client.patch(loose, name, { spec }, { patchType: 'merge' }));
      expect(causes[0]?.message).to.match(message);
    }
    await client.patch(loose, name, { metadata: { labels: { study: 'a' } } }, { patchType: 'merge' });
    const status = { steps: [], conditions: [] };
    await client.patch(loose, name, { status }, { patchType: 'merge', subresource: 'status' });
  });

  it('has the short name bce, and is explained by kubectl', async () => {
    expect(await server.kubectl('get', 'bce', '-A')).to.match(
      /^NAMESPACE +NAME +NETWORK +STEP +STARTED +COMPLETE +FAILED +DEPTH +AGE/,
    );
    expect(await server.kubectl('explain', 'bitcoinexperiment.spec.steps.mine')).to.match(/KIND: +BitcoinExperiment/);
    expect([experimentApiVersion, experimentKind]).to.deep.equal([
      'bitcoincontroller.christianb93.github.com/v1',
      'BitcoinExperiment',
    ]);
  });
});
