// Several watched namespaces, one of which cannot be listed: the others are served, and that one as soon as it can be listed.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { group } from '../../src/bitcoin/api/bitcoin-network.ts';
import { installDefinition } from '../support/processes/bundled-controller.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { requestsOf } from '../support/cluster/rights.ts';
import { TcpProxy } from '../support/fakes/tcp-proxy.ts';
import { ControllerProcess } from '../support/processes/controller-process.ts';
import { freePort } from '../../tools/kubernetes/free-port.ts';
import { eventually } from '../support/until.ts';

const account = 'system:serviceaccount:default:controller';
const everyVerb = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
const rules = [
  {
    apiGroups: [group],
    resources: ['bitcoinnetworks', 'bitcoinnetworks/status', 'bitcoinnetworks/finalizers'],
    verbs: everyVerb,
  },
  { apiGroups: [group], resources: ['bitcoinexperiments'], verbs: everyVerb },
  { apiGroups: ['apps'], resources: ['statefulsets'], verbs: everyVerb },
  { apiGroups: [''], resources: ['services'], verbs: everyVerb },
  { apiGroups: [''], resources: ['configmaps'], verbs: everyVerb },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: everyVerb },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: everyVerb },
  { apiGroups: [''], resources: ['pods'], verbs: everyVerb },
  { apiGroups: [''], resources: ['secrets', 'events'], verbs: everyVerb },
];

describe('watched namespaces', function () {
  this.timeout(180_000);
  let api: TestControlPlane;
  let kubeconfig: string;
  let controller: ControllerProcess | undefined;
  let address: string;
  let run = 0;
  let good: string;
  let bad: string;

  before(async () => {
    api = await startControlPlane({ audit: true });
    await installDefinition(api);
    await api.kubectl('create', 'serviceaccount', 'controller');
    kubeconfig = await api.kubeconfigForServiceAccount('default', 'controller');
    address = `127.0.0.1:${await freePort('127.0.0.1')}`;
  });
  beforeEach(() => {
    run += 1;
    good = `good-${run}`;
    bad = `bad-${run}`;
  });
  afterEach(async () => {
    await controller?.kill();
    controller = undefined;
  });
  after(() => api.stop());

  const apply = (...objects: object[]): Promise<string> =>
    api.kubectlWithInput(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }), 'apply', '-f', '-');

  /** Creates the namespace if it does not exist, and grants all rights in it except those on the resource `except`. */
  async function grant(namespace: string, except?: string): Promise<void> {
    const metadata = { name: 'controller', namespace };
    const apiGroup = 'rbac.authorization.k8s.io';
    await apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      {
        apiVersion: `${apiGroup}/v1`,
        kind: 'Role',
        metadata,
        rules: rules.filter(({ resources }) => except === undefined || !resources.includes(except)),
      },
      {
        apiVersion: `${apiGroup}/v1`,
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup, kind: 'Role', name: 'controller' },
        subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'controller' }],
      },
    );
  }
  const createNetwork = (namespace: string, name: string): Promise<string> =>
    apply({ apiVersion: `${group}/v1`, kind: 'BitcoinNetwork', metadata: { name, namespace }, spec: { nodes: 1 } });
  const isCreated = (namespace: string, name: string): Promise<string> =>
    api.kubectl('-n', namespace, 'wait', '--for=create', `statefulset/${name}-sts`, '--timeout=90s');
  const start = async (file = kubeconfig): Promise<void> => {
    const args = [`--namespace=${good},${bad}`, `--health-address=${address}`];
    controller = await ControllerProcess.start({ kubeconfig: file, args });
    await controller.ready();
  };
  /** Rights that were taken away count some time later. */
  const isRefused = (namespace: string): Promise<boolean> =>
    api.kubectl('-n', namespace, 'auth', 'can-i', 'list', 'pods', `--as=${account}`).then(
      () => false,
      () => true,
    );
  const readyz = async (): Promise<{ status: number; text: string }> => {
    const response = await fetch(`http://${address}/readyz`, { headers: { connection: 'close' } });
    return { status: response.status, text: await response.text() };
  };
  /** The controller's writes in a namespace. It must write nothing where a resource could not be listed. */
  const writesIn = async (namespace: string): Promise<string[]> =>
    (await requestsOf(account, api.auditLogPath))
      .filter(each => each.namespace === namespace && !['get', 'list', 'watch'].includes(each.verb))
      .map(({ verb, resource, name }) => `${verb} ${resource} ${name ?? ''}`);

  const faults: readonly [string, () => Promise<unknown>, RegExp][] = [
    ['never existed', () => Promise.resolve(), /bitcoinnetworks\S* in bad-\d+ \(403 Forbidden\)/],
    [
      'was deleted',
      async () => {
        await grant(bad);
        await api.kubectl('delete', 'namespace', bad, '--wait=false');
        // No namespace controller runs here to finalize the namespace.
        await api.kubectl('-n', bad, 'delete', 'rolebinding', '--all');
      },
      /pods in bad-\d+ \(403 Forbidden\)/,
    ],
    ['has no RoleBinding', () => apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: bad } }), /403 Forbidden/],
    ...['bitcoinnetworks', 'services', 'statefulsets', 'pods'].map((resource): [string, () => Promise<unknown>, RegExp] => [
      `forbids ${resource}`,
      () => grant(bad, resource),
      new RegExp(`failing: ${resource}\\S* in bad-\\d+ \\(403 Forbidden\\)\\n`),
    ]),
  ];

  for (const [fault, cause, report] of faults)
    it(`starts and serves the other namespaces when one ${fault}, writes nothing there, and reports it`, async () => {
      await grant(good);
      await cause();
      if (fault.startsWith('forbids')) await createNetwork(bad, 'untouched');
      await createNetwork(good, 'before');
      await start();
      await isCreated(good, 'before');
      await createNetwork(good, 'after');
      await isCreated(good, 'after');
      const { status, text } = await readyz();
      expect(text)
        .to.match(/^\[\+\]caches ok, failing: /)
        .and.to.match(report);
      expect(status).to.equal(200);
      const metrics = await (await fetch(`http://${address}/metrics`)).text();
      expect(metrics).to.match(/^reflector_unsynced_namespaces\{name="[^"]+"\} 1$/m);
      expect(await writesIn(bad)).to.deep.equal([]);
    });

  it('serves a namespace as soon as it can be listed, and treats nothing in it as absent before', async () => {
    await grant(good);
    await grant(bad);
    await createNetwork(bad, 'kept');
    await start();
    await isCreated(bad, 'kept');
    await controller?.stop();
    const uid = await api.kubectl('-n', bad, 'get', 'statefulset', 'kept-sts', '-o', 'jsonpath={.metadata.uid}');
    const before = (await writesIn(bad)).length;
    await grant(bad, 'statefulsets');
    await start();
    await createNetwork(bad, 'new');
    await createNetwork(good, 'meanwhile');
    await isCreated(good, 'meanwhile');
    expect(await writesIn(bad)).to.have.length(before);
    await grant(bad);
    await isCreated(bad, 'new');
    expect(await api.kubectl('-n', bad, 'get', 'statefulset', 'kept-sts', '-o', 'jsonpath={.metadata.uid}')).to.equal(uid);
    expect((await writesIn(bad)).filter(write => write === 'delete statefulsets kept-sts')).to.deep.equal([]);
    await eventually(async () => /^\[\+\]caches ok$/m.test((await readyz()).text));
  });

  it('serves the other namespaces when the RoleBinding of one is removed at run time, and that one again when it is restored', async () => {
    const proxy = await TcpProxy.start(api.serverUrl);
    try {
      const proxied = path.join(api.dir, 'proxied.kubeconfig');
      await writeFile(proxied, (await readFile(kubeconfig, 'utf8')).replaceAll(api.serverUrl, proxy.url));
      await grant(good);
      await grant(bad);
      await start(proxied);
      await createNetwork(bad, 'first');
      await isCreated(bad, 'first');
      await api.kubectl('-n', bad, 'delete', 'rolebinding', 'controller');
      await eventually(() => isRefused(bad));
      // Open watches keep the rights that they started with.
      proxy.cut();
      await eventually(async () => /403 Forbidden/.test((await readyz()).text));
      expect((await readyz()).status).to.equal(200);
      await createNetwork(good, 'second');
      await isCreated(good, 'second');
      await createNetwork(bad, 'third');
      await grant(bad);
      await isCreated(bad, 'third');
    } finally {
      await controller?.kill();
      await proxy.stop();
    }
  });
});
