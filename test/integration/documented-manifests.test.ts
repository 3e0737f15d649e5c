// The manifests of the documentation: a real API server accepts those of examples/ and of the pages about networks as they stand, and those of
// docs/security.md, whose selectors match and whose quota limits networks.
import { globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { parse, parseAllDocuments } from 'yaml';
import { group } from '../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinitions } from '../../src/bitcoin/api/custom-resource-definition.ts';
import { p2pPort, rpcPort } from '../../src/bitcoin/api/names.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { untilEstablished } from '../support/cluster/established.ts';
import { rendered, renderChart } from '../support/cluster/chart.ts';
import { eventually } from '../support/until.ts';
import { statefulSet } from './admission-policy/writes.ts';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
  readonly spec?: unknown;
}
/** A block of a page that shows fields of a network only: the test adds the rest. */
interface Fragment {
  readonly spec: object;
}
interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
}
interface Peer {
  readonly ports: readonly { readonly port: number }[];
}
interface NetworkPolicySpec {
  readonly podSelector: Selector;
  readonly ingress: readonly Peer[];
}

const root = path.join(import.meta.dirname, '..', '..');
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const blocksOf = (file: string): unknown[] =>
  [...textOf(file).matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml = '']): unknown => parse(yaml));
const manifests = blocksOf('docs/security.md') as Manifest[];
const policyOf = (name: string): NetworkPolicySpec =>
  manifests.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === name)?.spec as NetworkPolicySpec;
const ingressPorts = (name: string): readonly number[] =>
  policyOf(name).ingress.flatMap(({ ports }) => ports.map(({ port }) => port));

/** Each of these is refused, as it says itself; test/integration/validation.test.ts shows that. */
const refusedExample = 'examples/invalid.yaml';
const examples = globSync('examples/*.yaml', { cwd: root })
  .filter(file => file !== refusedExample)
  .sort();
const manifestsOf = (file: string): Manifest[] => parseAllDocuments(textOf(file)).map(document => document.toJS() as Manifest);
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })].filter(page => page !== 'docs/security.md').sort();
const isManifest = (block: unknown): block is Manifest => 'kind' in (block as object);
/** A network, or a part of one: other pages show other things. */
const isOfNetwork = (block: unknown): boolean =>
  isManifest(block) ? /^Bitcoin(Network|Experiment)$/.test(block.kind) : 'spec' in (block as object);

describe('the manifests of networks', function () {
  this.timeout(180_000);
  let api: TestControlPlane;
  /** Strict: a field that the API server does not know is refused. */
  const apply = (object: object): Promise<string> =>
    api.kubectlWithInput(JSON.stringify(object), 'apply', '--validate=strict', '-f', '-');

  before(async () => {
    api = await startControlPlane();
    await api.kubectlWithInput(JSON.stringify(customResourceDefinitions()), 'apply', '--server-side', '-f', '-');
    await untilEstablished(api, `crd/bitcoinnetworks.${group}`, `crd/bitcoinexperiments.${group}`);
  });
  after(() => api.stop());

  for (const file of examples) {
    it(`in ${file} are accepted by the API server as they stand`, async () => {
      // `apply` needs names.
      const isNamed = manifestsOf(file).every(({ metadata }) => metadata.name !== undefined);
      await api.kubectl(isNamed ? 'apply' : 'create', '--validate=strict', '-f', path.join(root, file));
    });
  }

  for (const page of pages) {
    const blocks = blocksOf(page).filter(isOfNetwork);
    if (blocks.length === 0) continue;
    it(`in ${page} are accepted by the API server, and the complete ones are those of examples/`, async () => {
      const shown = examples.flatMap(manifestsOf);
      for (const [index, block] of blocks.entries()) {
        if (isManifest(block)) expect(shown).to.deep.include(block);
        else
          await apply(
            networkOf(
              `${path.basename(page, '.md').toLowerCase()}-${'abcdefghijklmnopqrstuvwxyz'.charAt(index)}`,
              block as Fragment,
            ),
          );
      }
    });
  }

  it('in examples/ are each linked from a page', () => {
    const linked = pages.flatMap(page =>
      [...textOf(page).matchAll(/\]\(([^)#]+\.yaml)\)/g)].map(([, link = '']) => path.join(path.dirname(page), link)),
    );
    expect(linked).to.include.members([...examples, refusedExample]);
  });
});

const networkOf = (name: string, { spec }: Fragment): object => ({
  apiVersion: `${group}/v1`,
  kind: 'BitcoinNetwork',
  metadata: { name },
  spec: { nodes: 3, ...spec },
});

describe('the manifests of docs/security.md', function () {
  this.timeout(180_000);
  let api: TestControlPlane;

  before(async () => {
    api = await startControlPlane({ controllerManager: true });
    await api.kubectl('create', 'namespace', 'bitcoin-controller-system');
    await api.kubectlWithInput(JSON.stringify(customResourceDefinitions()), 'apply', '--server-side', '-f', '-');
    await untilEstablished(api, `crd/bitcoinnetworks.${group}`);
    // The controller manager looks for new kinds every 30 s. It counts them at once in a quota that is created later.
    const log = path.join(api.dir, 'logs', 'kube-controller-manager.log');
    const isCounted = /object count evaluator.*bitcoinnetworks/;
    await eventually(async () => isCounted.test(await readFile(log, 'utf8')));
  });
  after(() => api.stop());

  it('are accepted by the API server, without an unknown field', async () => {
    expect(manifests.map(({ kind }) => kind)).to.have.members(['Namespace', 'ResourceQuota', 'NetworkPolicy', 'NetworkPolicy']);
    const namespacesFirst = [...manifests].sort(
      (one, other) => Number(other.kind === 'Namespace') - Number(one.kind === 'Namespace'),
    );
    for (const manifest of namespacesFirst)
      await api.kubectlWithInput(JSON.stringify(manifest), 'apply', '--validate=strict', '-f', '-');
  });

  it('limit the number of networks', async () => {
    const network = (name: string): string =>
      JSON.stringify({ apiVersion: `${group}/v1`, kind: 'BitcoinNetwork', metadata: { name }, spec: { nodes: 0 } });
    const create = (name: string): Promise<string> =>
      api.kubectlWithInput(network(name), '-n', 'bitcoin', 'create', '-f', '-').catch((error: unknown) => String(error));
    // The quota controller counts the existing objects first.
    const used = ['-n', 'bitcoin', 'get', 'resourcequota/bitcoin', '-o', `jsonpath={.status.used}`];
    await eventually(async () => (await api.kubectl(...used)).includes(`count/bitcoinnetworks.${group}`));
    const answers: string[] = [];
    for (let count = 0; count < 11; count += 1) answers.push(await create(`tenant-${count}`));
    expect(answers.slice(0, 10)).to.satisfy((all: readonly string[]) => all.every(answer => answer.includes('created')));
    expect(answers[10]).to.include('exceeded quota: bitcoin');
  });

  it('select the pods of nodes and of the controller, and open the ports that these need', async () => {
    const node = statefulSet('alice').spec?.template.metadata?.labels;
    expect(node).to.include(policyOf('bitcoin-nodes').podSelector.matchLabels);
    expect(ingressPorts('bitcoin-nodes')).to.deep.equal([p2pPort, rpcPort]);
    const { spec } = rendered(await renderChart(), 'Deployment') as unknown as {
      spec: { template: { metadata: { labels: object } } };
    };
    expect(spec.template.metadata.labels).to.include(policyOf('bitcoin-controller').podSelector.matchLabels);
    expect(ingressPorts('bitcoin-controller')).to.deep.equal([8080]);
  });
});
