// Root hooks of the e2e rung: the shared cluster exists from the first test to the last. In all tests together, the
// controller that the chart installed was refused only what they took from it, and had no right that it never used.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { RootHookObject } from 'mocha';
import { controllerNamespace } from '../../../tools/installation.ts';
import { clusterAuditLog } from '../../../tools/kubernetes/one-node-cluster.ts';
import { renderChart } from './chart.ts';
import { releaseSharedCluster, sharedCluster } from './cluster.ts';
import { type AuditedRequest, type Grant, grantsTo, nameOfGrant, permits, requestsOf } from './rights.ts';

/** As long as the pods of a release may take to end after it was uninstalled: its roles go at once. */
const graceMs = 30_000;
const account = { namespace: controllerNamespace, name: 'bitcoin-controller' };
let startedAt: Date;

const repairs = 'another writer has to change an immutable field or an object of ours: integration/least-privilege';
const pages = 'only for API servers without WatchList: integration/least-privilege';
const changes = 'a network has to be changed or to ask for less: integration/least-privilege';
const optionalKinds = ['configmaps', 'networking.k8s.io/networkpolicies', 'policy/poddisruptionbudgets'];
/** The rights that the tests of this rung need not use, and the test that uses them. */
const excused: Readonly<Record<string, string>> = {
  'get services': repairs,
  'patch services': repairs,
  'delete services': repairs,
  'list services': pages,
  'list pods': pages,
  'list apps/statefulsets': pages,
  'list bitcoincontroller.christianb93.github.com/bitcoinnetworks': pages,
  ...Object.fromEntries(optionalKinds.flatMap(kind => ['get', 'patch', 'delete'].map(verb => [`${verb} ${kind}`, changes]))),
  ...Object.fromEntries(optionalKinds.map(kind => [`list ${kind}`, pages])),
  'list bitcoincontroller.christianb93.github.com/bitcoinexperiments': pages,
  'update bitcoincontroller.christianb93.github.com/bitcoinnetworks/finalizers':
    'asked for by an admission plugin on behalf of the controller: integration/least-privilege',
};

export const mochaHooks: RootHookObject = {
  async beforeAll(this: Mocha.Context) {
    // The programs may have to be built first.
    this.timeout(0);
    await sharedCluster();
    startedAt = new Date();
  },
  async afterAll(this: Mocha.Context) {
    this.timeout(120_000);
    try {
      await checkRights(await isWholeRung(this.test?.parent));
    } finally {
      await releaseSharedCluster();
    }
  },
};

/** Whether no file of the rung was left out, as when files are named on the command line. */
async function isWholeRung(root: Mocha.Suite | undefined): Promise<boolean> {
  const files = (await readdir(path.join(import.meta.dirname, '..', '..', 'e2e'))).filter(name => name.endsWith('.test.ts'));
  return new Set(root?.suites.map(({ file = '' }) => path.basename(file))).size === files.length;
}

/** The rights that a test asks for by values of the chart: credentials.test.ts and experiments.test.ts of test/e2e. */
const chartValues = {
  rbac: { deleteNetworks: true, podEvictions: true, secretNames: ['bitcoin-default-secret', 'rpc', 'hashes'] },
};

/** The test takes the controller's rights away. */
const isTaking = ({ verb, resource, name }: AuditedRequest): boolean =>
  verb === 'delete' && /^(cluster)?rolebindings$/.test(resource) && name?.startsWith(account.name) === true;

/** @throws Error that names what was refused, what was not by the chart's roles, and what of these was never used although it should be */
async function checkRights(isWhole: boolean): Promise<void> {
  const requests = await requestsOf(`system:serviceaccount:${account.namespace}:${account.name}`, clusterAuditLog, startedAt);
  const grants = grantsTo(account, await renderChart(chartValues));
  const takings = (await requestsOf('admin', clusterAuditLog, startedAt)).filter(isTaking);
  const faults = requests.filter(request => {
    const sinceTaking = takings.map(taking => request.at.getTime() - taking.at.getTime());
    if (sinceTaking.some(ms => ms >= 0 && ms < graceMs)) return false;
    // Tests name Secrets that the chart does not, to see what the controller says to that.
    if (request.code === 403) return request.verb !== 'get' || request.resource !== 'secrets';
    return request.code === 401 || !grants.some(grant => permits(grant, request));
  });
  const list = faults.map(({ code, verb, path }) => `${code} ${verb} ${path}`).join('\n');
  if (faults.length > 0) throw new Error(`the controller asked for what the chart's roles do not grant:\n${list}`);
  const unused = isWhole ? unusedOf(grants, requests).filter(right => excused[right] === undefined) : [];
  if (unused.length > 0) throw new Error(`the chart's roles grant what the controller did not use:\n${unused.join('\n')}`);
}

function unusedOf(grants: readonly Grant[], requests: readonly AuditedRequest[]): string[] {
  const used = new Set(grants.filter(grant => requests.some(request => permits(grant, request))).map(nameOfGrant));
  return [...new Set(grants.map(nameOfGrant))].filter(right => !used.has(right));
}
