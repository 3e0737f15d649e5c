// Root hooks of the e2e rung: the shared cluster is there before the first test and gone after the last; and whatever the tests did, the
// controller that the chart installed was refused nothing but what they kept from it.
import type { RootHookObject } from 'mocha';
import { controllerNamespace } from '../../tools/installation.ts';
import { clusterAuditLog } from '../../tools/kubernetes/one-node-cluster.ts';
import { renderChart } from './chart.ts';
import { releaseSharedCluster, sharedCluster } from './cluster.ts';
import { type AuditedRequest, grantsTo, permits, requestsOf } from './rights.ts';

/** As long as the pods of a release may take to end after it was uninstalled: its roles go at once. */
const graceMs = 30_000;
const account = { namespace: controllerNamespace, name: 'bitcoin-controller' };
let startedAt: Date;

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
      await checkRights();
    } finally {
      await releaseSharedCluster();
    }
  },
};

/** Somebody takes the controller's rights away. */
const isTaking = ({ verb, resource, name }: AuditedRequest): boolean =>
  verb === 'delete' && /^(cluster)?rolebindings$/.test(resource) && name?.startsWith(account.name) === true;

/** @throws Error that names what was refused, and what was not by the chart's roles */
async function checkRights(): Promise<void> {
  const requests = await requestsOf(`system:serviceaccount:${account.namespace}:${account.name}`, clusterAuditLog, startedAt);
  const grants = grantsTo(account, await renderChart());
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
}
