// Releases of the chart, by Helm on a real API server: as a dependency of another chart, upgraded from each former set of values, installed
// over the definition of another release, and installed by the administrator of a single namespace.
import { mkdtemp, cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { CommandFailedError, run } from '../../tools/command.ts';
import { providePrograms } from '../../tools/programs.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { chartFolder } from '../support/cluster/chart.ts';
import { eventually } from '../support/until.ts';

const formerValues = path.join(import.meta.dirname, 'chart-releases', 'former-values');
const definitions = ['bitcoinnetworks', 'bitcoinexperiments'].map(
  plural => `${plural}.bitcoincontroller.christianb93.github.com`,
);

describe('a release of the chart', () => {
  let api: TestControlPlane;
  let helmFile: string;
  let folder: string;

  before(async () => {
    helmFile = (await providePrograms(['helm'])).helm;
    folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-releases-'));
    // The controller manager fills in the built-in roles.
    api = await startControlPlane({ controllerManager: true });
  });
  after(async () => {
    await api.stop();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    const releases = JSON.parse(await helm('list', '--all-namespaces', '--output', 'json')) as {
      name: string;
      namespace: string;
    }[];
    for (const { name, namespace } of releases) await helm('uninstall', name, '--namespace', namespace);
    await deleteDefinitions();
  });

  /**
   * Asks by itself until they are gone: `kubectl delete` waits in a watch, and without end. The API server sometimes fails to clean up after a
   * definition that was created a moment before, and retries minutes later; any change of the definition makes it retry at once.
   */
  async function deleteDefinitions(): Promise<void> {
    await api.kubectl('delete', 'crd', ...definitions, '--ignore-not-found', '--wait=false');
    let lastRetryMs = performance.now();
    await eventually(async () => {
      const left = (await api.kubectl('get', 'crd', ...definitions, '--ignore-not-found', '-o', 'name'))
        .split('\n')
        .filter(Boolean);
      if (left.length === 0 || performance.now() - lastRetryMs < 5_000) return left.length === 0;
      lastRetryMs = performance.now();
      // It may be gone by now.
      await api.kubectl('annotate', '--overwrite', ...left, `test.example.com/retried=${lastRetryMs}`).catch(() => undefined);
      return false;
    });
  }

  const helm = (...args: readonly string[]): Promise<string> => helmWith(api.kubeconfigPath, ...args);
  const helmWith = (kubeconfig: string, ...args: readonly string[]): Promise<string> => {
    const places = Object.fromEntries(['CACHE', 'CONFIG', 'DATA'].map(kind => [`HELM_${kind}_HOME`, path.join(folder, kind)]));
    return run(helmFile, args, { environment: { ...places, KUBECONFIG: kubeconfig, NO_PROXY: '*', no_proxy: '*' } });
  };
  const refusal = async (refused: Promise<string>): Promise<string> => {
    const error = await refused.then(
      output => new Error(`not refused: ${output}`),
      (cause: unknown) => cause,
    );
    if (!(error instanceof CommandFailedError)) throw error as Error;
    return error.output;
  };
  const namespaceNamed = async (name: string): Promise<string> => {
    await api.kubectl('create', 'namespace', name);
    return name;
  };
  const deployment = async (namespace: string, name: string): Promise<{ spec: { replicas: number } }> =>
    JSON.parse(await api.kubectl('-n', namespace, 'get', 'deployment', name, '-o', 'json')) as { spec: { replicas: number } };

  /** A chart that has this one as a dependency. */
  async function umbrella(name: string, dependency: object, values: object): Promise<string> {
    const chart = await mkdtemp(path.join(folder, `${name}-`));
    const ours = { name: 'bitcoin-controller', version: '0.1.0', repository: `file://${chartFolder}`, ...dependency };
    const metadata = { apiVersion: 'v2', name, version: '1.0.0', dependencies: [ours] };
    await writeFile(path.join(chart, 'Chart.yaml'), stringify(metadata));
    await writeFile(path.join(chart, 'values.yaml'), stringify(values));
    await helm('dependency', 'update', chart);
    return chart;
  }

  const condition = 'bitcoin-controller.enabled';
  const global = { imageRegistry: 'registry.example', imagePullSecrets: ['x'], nested: { any: ['thing'] } };
  for (const [what, dependency, values, replicas] of [
    ['that is enabled', { condition }, { global, 'bitcoin-controller': { enabled: true, replicas: 1 } }, 1],
    ['that is not mentioned in its values', { condition }, {}, 2],
    ['that has only a condition there', { condition }, { 'bitcoin-controller': { enabled: true } }, 2],
    ['that is disabled', { condition }, { 'bitcoin-controller': { enabled: false, replicas: 1 } }, undefined],
    ['under another name', { alias: 'nodes', condition: 'nodes.enabled' }, { nodes: { enabled: true, replicas: 3 } }, 3],
    ['by its tag', { tags: ['chain'] }, { tags: { chain: true }, 'bitcoin-controller': { replicas: 1 } }, 1],
  ] as const)
    it(`is installed as a dependency ${what}`, async () => {
      const chart = await umbrella('platform', dependency, values);
      const namespace = await namespaceNamed(`umbrella-${what.replaceAll(' ', '-')}`);
      await helm('install', 'platform', chart, '--namespace', namespace);
      const names = (await api.kubectl('-n', namespace, 'get', 'deployments', '-o', 'name')).trim();
      const name = names.slice(names.indexOf('/') + 1);
      if (replicas === undefined) expect(name).to.equal('');
      else expect((await deployment(namespace, name)).spec.replicas).to.equal(replicas);
    });

  /** The present chart, with the values of a former version. */
  async function formerChart(values: string): Promise<string> {
    const chart = await mkdtemp(path.join(folder, 'former-'));
    await cp(chartFolder, chart, { recursive: true });
    await rm(path.join(chart, 'values.schema.json'));
    await writeFile(path.join(chart, 'values.yaml'), values);
    return chart;
  }

  it('is upgraded with --reuse-values from each set of values that the chart ever had, and has the defaults of what these lack', async () => {
    const files = (await readdir(formerValues)).sort();
    expect(files).to.have.lengthOf.at.least(5);
    const namespace = await namespaceNamed('upgraded');
    const inNamespace = ['--namespace', namespace];
    for (const file of files) {
      const values = await readFile(path.join(formerValues, file), 'utf8');
      await helm('install', 'bitcoin-controller', await formerChart(values), ...inNamespace, '--set', 'replicas=3');
      await helm('upgrade', 'bitcoin-controller', chartFolder, '--reuse-values', ...inNamespace, '--set', 'podLabels.team=x');
      const manifest = await helm('get', 'manifest', 'bitcoin-controller', ...inNamespace);
      expect(manifest, file).to.include('replicas: 3').and.include('team: x').and.include('topologySpreadConstraints');
      const { controller } = parse(values) as { controller: { recheckSeconds: number } };
      expect(manifest, file).to.include(`--recheck-seconds=${controller.recheckSeconds}`).and.include('--events-api=core');
      // Kinds that a former controller did not write.
      expect(manifest, file).to.include('resources: [configmaps]').and.include('resources: [networkpolicies]');
      expect(manifest, file).to.include('resources: [poddisruptionbudgets]').and.not.include('--without-kinds');
      await helm('uninstall', 'bitcoin-controller', ...inNamespace);
      await deleteDefinitions();
    }
  });

  it('is installed in another namespace, over the definition that a release before it left, with --take-ownership', async () => {
    const [first, second] = [await namespaceNamed('first'), await namespaceNamed('second')];
    const notes = await helm('install', 'one', chartFolder, '--namespace', first);
    await helm('uninstall', 'one', '--namespace', first);
    const network = { apiVersion: 'bitcoincontroller.christianb93.github.com/v1', kind: 'BitcoinNetwork' };
    const kept = JSON.stringify({ ...network, metadata: { name: 'kept', namespace: first }, spec: { nodes: 1 } });
    await api.kubectlWithInput(kept, 'create', '-f', '-');
    const refused = await refusal(helm('install', 'two', chartFolder, '--namespace', second));
    const words = 'cannot be imported into the current release';
    // Helm names the first that it finds.
    expect(refused).to.include(words);
    expect(definitions.some(each => refused.includes(each))).to.equal(true);
    // The README quotes Helm's message and names the solution.
    for (const place of [notes, await readFile('README.md', 'utf8')])
      expect(place.replaceAll(/\s+/g, ' ')).to.include(words).and.include('--take-ownership');
    await helm('install', 'two', chartFolder, '--namespace', second, '--take-ownership');
    expect((await deployment(second, 'two-bitcoin-controller')).spec.replicas).to.equal(2);
    expect(await api.kubectl('-n', first, 'get', 'bitcoinnetworks', '-o', 'name')).to.include('kept');
    expect(notes).to.include('The right to create networks is worth the right to create pods in that namespace');
    const policy = 'admissionPolicy.enabled=true,admissionPolicy.extraImages={r.example/bitcoin/*}';
    const upgraded = await helm('upgrade', 'two', chartFolder, '--namespace', second, '--set', policy);
    expect(upgraded).to.match(
      /Networks run bitcoin-controller-bitcoind:\S+, r\.example\/bitcoin\/\* only .*, without containers/,
    );
  });

  describe('by the administrator of a namespace', () => {
    const namespace = 'team';
    const own = ['--namespace', namespace, '--set', `watchNamespaces={${namespace}}`, '--set', 'crds.enabled=false'];
    const account = `system:serviceaccount:${namespace}:bitcoin-controller`;
    let kubeconfig: string;

    before(async () => {
      await namespaceNamed(namespace);
      await api.kubectl('-n', namespace, 'create', 'serviceaccount', 'administrator');
      const subject = `--serviceaccount=${namespace}:administrator`;
      await api.kubectl('-n', namespace, 'create', 'rolebinding', 'administrator', '--clusterrole=admin', subject);
      kubeconfig = await api.kubeconfigForServiceAccount(namespace, 'administrator');
      // The controllers fill in the role some time after the API server has started.
      await eventually(
        async () => (await api.kubectl('auth', 'can-i', 'create', 'deployments', '-n', namespace, ...as())) === 'yes\n',
      );
    });
    const as = (): string[] => [`--as=system:serviceaccount:${namespace}:administrator`];
    const install = (...args: readonly string[]): Promise<string> =>
      helmWith(kubeconfig, 'install', 'bitcoin-controller', chartFolder, ...args);

    it('is refused with the definition, and with roles that grant more than the administrator has', async () => {
      expect(await refusal(install('--namespace', namespace))).to.match(/customresourcedefinitions.* is forbidden/);
      expect(await refusal(install(...own))).to.match(/clusterroles.* is forbidden/);
      expect(await refusal(install(...own, '--set', 'rbac.aggregate=false'))).to.match(
        /attempting to grant RBAC permissions not currently held(.|\n)*bitcoinnetworks\/finalizers/,
      );
    });

    it('is installed without either after a cluster administrator has applied both as in the README, and its controller has its rights', async () => {
      const parts = ['crd', 'crd-experiments', 'rbac'].flatMap(name => ['--show-only', `templates/${name}.yaml`]);
      const watched = ['--namespace', namespace, '--set', `watchNamespaces={${namespace}}`];
      const manifests = await helm('template', 'bitcoin-controller', chartFolder, ...watched, ...parts);
      await api.kubectlWithInput(manifests, 'apply', '-f', '-');
      await install(...own, '--set', 'rbac.create=false');
      expect((await deployment(namespace, 'bitcoin-controller')).spec.replicas).to.equal(2);
      for (const right of [
        'create statefulsets',
        'patch bitcoinnetworks --subresource=status',
        'update leases/bitcoin-controller',
      ])
        expect(await api.kubectl('auth', 'can-i', ...right.split(' '), '-n', namespace, `--as=${account}`), right).to.equal(
          'yes\n',
        );
      await helmWith(kubeconfig, 'upgrade', 'bitcoin-controller', chartFolder, ...own, '--set', 'rbac.create=false');
      await helmWith(kubeconfig, 'uninstall', 'bitcoin-controller', '--namespace', namespace);
      await api.kubectlWithInput(manifests, 'delete', '-f', '-');
    });
  });
});
