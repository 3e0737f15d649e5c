import { expect } from 'chai';
import { apiVersion, kind } from '../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinitions } from '../../src/bitcoin/api/custom-resource-definition.ts';
import type { EventsV1Event } from '../../src/record/events/event.ts';
import { getFieldSelector } from '../../src/record/events/event.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { untilEstablished } from '../support/cluster/established.ts';
import { controllerArguments, renderChart } from '../support/cluster/chart.ts';
import { ControllerProcess } from '../support/processes/controller-process.ts';

/** The resource name of each event API for kubectl. */
const resources = { 'events.k8s.io/v1': 'events.v1.events.k8s.io', v1: 'events.v1.' } as const;

interface StoredCoreEvent {
  readonly reason: string;
  readonly message: string;
  readonly count?: number;
  readonly action?: string;
  readonly source: { readonly component?: string };
}

describe('--events-api', () => {
  let controlPlane: TestControlPlane;

  before(async () => {
    controlPlane = await startControlPlane();
    await controlPlane.kubectlWithInput(JSON.stringify(customResourceDefinitions()), 'apply', '--server-side', '-f', '-');
    await untilEstablished(controlPlane, 'crd/bitcoinnetworks.bitcoincontroller.christianb93.github.com');
  });

  after(async () => {
    await controlPlane.stop();
  });

  /** Runs a controller in its own namespace with a network whose Secret is created late. Returns the events that it logged and stored. */
  async function runController(
    namespace: string,
    args: readonly string[],
  ): Promise<{ logged: ReadonlyMap<string, number>; described: string }> {
    await controlPlane.kubectl('create', 'namespace', namespace);
    const controller = await ControllerProcess.start({
      kubeconfig: controlPlane.kubeconfigPath,
      args: ['--namespace', namespace, '--leader-elect', 'true', '--leader-elect-namespace', namespace, ...args],
      environment: { POD_NAME: `controller-of-${namespace}` },
    });
    const seen = (reason: string, times = 1) =>
      controller.logged(line => {
        if (line['reason'] !== reason) return false;
        return controller.logs.filter(other => other['reason'] === reason).length >= times;
      });
    const network = { apiVersion, kind, metadata: { namespace, name: 'chain' }, spec: { nodes: 2, secret: 'credentials' } };
    await controlPlane.kubectlWithInput(JSON.stringify(network), 'apply', '-f', '-');
    await seen('CredentialsMissing', 4);
    const literals = ['--from-literal=BC_RPC_USER=user', '--from-literal=BC_RPC_PASSWORD=password'];
    await controlPlane.kubectl('create', 'secret', 'generic', 'credentials', '-n', namespace, ...literals);
    await seen('StatefulSetCreated');
    expect(await controller.stop()).to.equal(0);
    const logged = new Map<string, number>();
    for (const { message, reason } of controller.logs)
      if (message === 'Event occurred') logged.set(String(reason), (logged.get(String(reason)) ?? 0) + 1);
    const described = await controlPlane.kubectl('describe', 'bitcoinnetwork', 'chain', '-n', namespace);
    return { logged, described };
  }

  async function storedEvents<T>(namespace: string, version: keyof typeof resources): Promise<T[]> {
    const selector = getFieldSelector(version, { kind, name: 'chain' });
    const args = ['-n', namespace, '--field-selector', selector, '-o', 'json'];
    return (JSON.parse(await controlPlane.kubectl('get', resources[version], ...args)) as { items: T[] }).items;
  }

  it('is passed by the chart from controller.eventsApi, whose default is core', async () => {
    for (const [controller, expected] of [
      [{}, '--events-api=core'],
      [{ eventsApi: 'events' }, '--events-api=events'],
    ] as const)
      expect(controllerArguments(await renderChart({ controller }))).to.include(expected);
    const refused = await renderChart({ controller: { eventsApi: 'v2' } }).then(String, String);
    expect(refused).to.contain('eventsApi');
  });

  it('events: records in events.k8s.io/v1, with actions and series, for kubectl describe to show', async () => {
    const { logged, described } = await runController('newer', ['--events-api', 'events']);
    const events = await storedEvents<EventsV1Event>('newer', 'events.k8s.io/v1');
    const byReason = new Map(events.map(event => [event.reason, event]));
    for (const [reason, action] of [
      ['ServiceCreated', 'CreateService'],
      ['StatefulSetCreated', 'CreateStatefulSet'],
      ['CredentialsMissing', 'ReadCredentials'],
    ] as const) {
      const event = byReason.get(reason);
      expect(event, reason).to.include({
        action,
        reportingController: 'bitcoin-controller',
        reportingInstance: 'controller-of-newer',
      });
      expect(event?.regarding).to.include({ kind, apiVersion, namespace: 'newer', name: 'chain' });
      expect(event?.note, reason).to.be.a('string').and.not.equal('');
      expect(described).to.contain(reason).and.contain(event?.note);
    }
    // Counts that were not written when the controller received SIGTERM have been written.
    const total = (reason: string) =>
      events.filter(event => event.reason === reason).reduce((sum, { series }) => sum + (series?.count ?? 1), 0);
    for (const reason of byReason.keys()) expect(total(reason), reason).to.equal(logged.get(reason));
    expect(byReason.get('CredentialsMissing')?.series?.count).to.be.at.least(4);
    expect(described).to.match(/Warning +CredentialsMissing +.* +bitcoin-controller/);
  });

  it('events: reports the new leader on the Lease', async () => {
    const selector = getFieldSelector('events.k8s.io/v1', { kind: 'Lease', name: 'bitcoin-controller' });
    const args = ['-n', 'newer', '--field-selector', selector, '-o', 'json'];
    const { items } = JSON.parse(await controlPlane.kubectl('get', resources['events.k8s.io/v1'], ...args)) as {
      items: EventsV1Event[];
    };
    expect(items.map(({ reason, action }) => [reason, action])).to.deep.include(['LeaderElection', 'LeaderElection']);
  });

  it('core: records in core/v1 by default', async () => {
    const { logged, described } = await runController('older', []);
    const events = await storedEvents<StoredCoreEvent>('older', 'v1');
    for (const reason of ['ServiceCreated', 'StatefulSetCreated', 'CredentialsMissing']) {
      const event = events.find(one => one.reason === reason);
      expect(event?.source.component, reason).to.equal('bitcoin-controller');
      expect(event, reason).not.to.have.property('action');
      expect(described).to.contain(reason);
    }
    const missing = events.filter(({ reason }) => reason === 'CredentialsMissing');
    expect(missing.reduce((sum, { count = 1 }) => sum + count, 0)).to.equal(logged.get('CredentialsMissing'));
  });
});
