// The manifests of docs/security.md: a real API server accepts them, their selectors match, and the quota limits networks.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { group } from '../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinition } from '../../src/bitcoin/api/custom-resource-definition.ts';
import { p2pPort, rpcPort } from '../../src/bitcoin/api/names.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { rendered, renderChart } from '../support/cluster/chart.ts';
import { eventually } from '../support/until.ts';
import { statefulSet } from './admission-policy/writes.ts';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: unknown;
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

const text = readFileSync(path.join(import.meta.dirname, '..', '..', 'docs', 'security.md'), 'utf8');
const manifests = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml = '']) => parse(yaml) as Manifest);
const policyOf = (name: string): NetworkPolicySpec =>
  manifests.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === name)?.spec as NetworkPolicySpec;
const ingressPorts = (name: string): readonly number[] =>
  policyOf(name).ingress.flatMap(({ ports }) => ports.map(({ port }) => port));

describe('the manifests of docs/security.md', function () {
  this.timeout(180_000);
  let api: TestControlPlane;

  before(async () => {
    api = await startControlPlane({ controllerManager: true });
    await api.kubectl('create', 'namespace', 'bitcoin-controller-system');
    await api.kubectlWithInput(JSON.stringify(customResourceDefinition()), 'apply', '--server-side', '-f', '-');
    await api.kubectl('wait', '--for=condition=Established', `crd/bitcoinnetworks.${group}`);
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
