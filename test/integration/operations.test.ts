// The controller as a process: probes, metrics, and shutdown.
import { expect } from 'chai';
import { group } from '../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinitions } from '../../src/bitcoin/api/custom-resource-definition.ts';
import { freePort } from '../../tools/kubernetes/free-port.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { ControllerProcess } from '../support/processes/controller-process.ts';
import { writeAccess } from '../support/cluster/kube-access.ts';
import { TcpProxy } from '../support/fakes/tcp-proxy.ts';
import { eventually } from '../support/until.ts';

/** The metric names of client-go, controller-runtime and the Prometheus clients, which dashboards and alerts use. */
const metricNames = [
  'controller_runtime_active_workers',
  'controller_runtime_max_concurrent_reconciles',
  'controller_runtime_reconcile_errors_total',
  'controller_runtime_reconcile_time_seconds',
  'controller_runtime_reconcile_total',
  'controller_runtime_terminal_reconcile_errors_total',
  'leader_election_master_status',
  'process_cpu_seconds_total',
  'process_max_fds',
  'process_open_fds',
  'process_resident_memory_bytes',
  'process_start_time_seconds',
  'process_virtual_memory_bytes',
  'rest_client_rate_limiter_duration_seconds',
  'rest_client_request_duration_seconds',
  'rest_client_requests_total',
  'rest_client_request_retries_total',
  'workqueue_adds_total',
  'workqueue_depth',
  'workqueue_longest_running_processor_seconds',
  'workqueue_queue_duration_seconds',
  'workqueue_retries_total',
  'workqueue_unfinished_work_seconds',
  'workqueue_work_duration_seconds',
];

describe('the controller as a process', () => {
  let api: TestControlPlane;
  let address: string;
  let levelAddress: string;
  let controller: ControllerProcess | undefined;

  before(async () => {
    api = await startControlPlane();
    address = `127.0.0.1:${await freePort('127.0.0.1')}`;
    levelAddress = `127.0.0.1:${await freePort('127.0.0.1')}`;
  });
  afterEach(async () => {
    await controller?.kill();
    controller = undefined;
  });
  after(() => api.stop());

  async function start(args: readonly string[] = [], kubeconfig = api.kubeconfigPath): Promise<ControllerProcess> {
    const addresses = [`--health-address=${address}`, `--log-level-address=${levelAddress}`];
    const replica = ['--leader-elect=true', '--leader-elect-namespace=default', ...addresses];
    controller = await ControllerProcess.start({
      kubeconfig,
      args: [...replica, ...args],
      environment: { POD_NAME: 'this-one' },
    });
    return controller;
  }
  const ask = async (
    path: string,
    init: RequestInit = {},
    at = path === '/loglevel' ? levelAddress : address,
  ): Promise<{ status: number; text: string }> => {
    const response = await fetch(`http://${at}${path}`, { ...init, headers: { connection: 'close' } });
    return { status: response.status, text: await response.text() };
  };
  const statusOf = async (path: string): Promise<number | undefined> => (await ask(path).catch(() => undefined))?.status;
  const leads = (process: ControllerProcess): Promise<unknown> => process.logged(({ message }) => message === 'Became leader');
  const createNetwork = (name: string): Promise<string> => {
    const network = { apiVersion: `${group}/v1`, kind: 'BitcoinNetwork', metadata: { name }, spec: { nodes: 1 } };
    return api.kubectlWithInput(JSON.stringify(network), 'create', '-f', '-');
  };
  const lease = async (): Promise<{ spec: { holderIdentity: string } }> =>
    JSON.parse(await api.kubectl('get', 'lease', 'bitcoin-controller', '-o', 'json')) as { spec: { holderIdentity: string } };

  it('is healthy before it is ready, and names the caches that have not synced', async () => {
    const process = await start();
    await eventually(async () => (await statusOf('/healthz')) === 200);
    const unlisted = ['bitcoinnetworks', 'bitcoinexperiments'].map(plural => `${plural}.${group}`).join(', ');
    const waiting = `[-]caches failed: not listed yet: ${unlisted}\n[+]definition ok\nfailed\n`;
    await eventually(async () => (await ask('/readyz')).text === waiting);
    expect((await ask('/readyz')).status).to.equal(503);
    await api.kubectlWithInput(JSON.stringify(customResourceDefinitions()), 'apply', '--server-side', '-f', '-');
    await process.ready();
    // The definition of experiments is found a moment later, by a retry; the controller is ready without it.
    await eventually(async () => (await ask('/readyz')).text === '[+]caches ok\n[+]definition ok\nok\n');
    expect((await ask('/readyz')).status).to.equal(200);
    expect(await ask('/healthz')).to.deep.equal({ status: 200, text: '[+]lease ok\nok\n' });
  });

  it('serves the metrics of client-go and controller-runtime under their names', async () => {
    await leads(await start());
    const { text } = await ask('/metrics');
    const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
    expect(names).to.include.members(metricNames);
    expect(text).to.match(/^leader_election_master_status\{name="bitcoin-controller"\} 1$/m);
    expect(text).to.match(/^rest_client_requests_total\{code="200",method="GET",host="127\.0\.0\.1:\d+"\} [1-9]/m);
  });

  it('changes its log level at run time', async () => {
    const process = await start();
    await leads(process);
    const level = async (body: string): Promise<{ status: number; text: string }> => ask('/loglevel', { method: 'PUT', body });
    await createNetwork('quiet');
    await process.logged(line => line['reason'] === 'ServiceCreated');
    expect(process.logs.filter(line => line.level === 'debug')).to.deep.equal([]);
    expect(await level('debug')).to.deep.equal({ status: 200, text: 'debug\n' });
    await createNetwork('logged');
    await process.logged(({ message, key }) => message === 'Reconciled' && key === 'default/logged');
    expect((await level('loud')).status).to.equal(400);
    expect(await level('error')).to.deep.equal({ status: 200, text: 'error\n' });
    expect((await ask('/loglevel')).text).to.equal('error\n');
  });

  it('stops workers, lease, events and sockets in this order on SIGTERM, and exits with 0', async () => {
    const process = await start(['--log-level=debug']);
    await leads(process);
    expect(await process.stop()).to.equal(0);
    const said = process.logs.map(({ message }) => message);
    const last = ['Stopping', 'Stopped leading', 'Stopped'];
    expect(said.filter(message => last.includes(message))).to.deep.equal(last);
    expect((await lease()).spec.holderIdentity).to.equal('');
    const events = await api.kubectl(
      'get',
      'events',
      '--field-selector=involvedObject.kind=Lease',
      '-o',
      'jsonpath={.items[*].message}',
    );
    expect(events).to.match(/this-one stopped leading$/);
    expect(await statusOf('/healthz')).to.equal(undefined);
  });

  it('continues when the reader of its log goes away', async () => {
    const process = await start(['--log-level=debug']);
    await leads(process);
    process.stopReadingLog();
    await createNetwork('unlogged');
    await eventually(async () => (await api.kubectl('get', 'statefulsets', '-o', 'name')).includes('unlogged-sts'));
    expect(await statusOf('/healthz')).to.equal(200);
    expect(await process.stop()).to.equal(0);
  });

  it('exits with 0 although the API server is down', async () => {
    const proxy = await TcpProxy.start(api.serverUrl);
    try {
      const process = await start([], await throughProxy(proxy));
      await leads(process);
      proxy.close();
      expect(await process.stop()).to.equal(0);
      expect(process.logs.map(({ message }) => message)).to.include('Failed to release the lease');
    } finally {
      await proxy.stop();
    }
  });

  it('exits with 1 at once on a second signal', async () => {
    const proxy = await TcpProxy.start(api.serverUrl);
    try {
      const process = await start([], await throughProxy(proxy));
      await leads(process);
      proxy.freeze();
      const ended = process.stop();
      await process.logged(({ message }) => message === 'Stopping');
      expect(await process.stop()).to.equal(1);
      expect(await ended).to.equal(1);
    } finally {
      await proxy.stop();
    }
  });

  const throughProxy = (proxy: TcpProxy): Promise<string> => {
    const user = { 'client-certificate': 'certificates/admin.crt', 'client-key': 'certificates/admin.key' };
    return writeAccess(api, { cluster: { server: proxy.url }, user }, 'proxied');
  };

  const mistakes: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['an option that there is not', ['--no-such-option'], 2, /bitcoin-controller: Unknown option '--no-such-option'/],
    ['a context that there is not', ['--context=there'], 2, /--context there: there is only bitcoin-controller/],
    ['an address that is taken', [], 1, /EADDRINUSE/],
  ];
  for (const [mistake, args, code, message] of mistakes)
    it(`refuses ${mistake}, and exits with ${code}`, async () => {
      const first = code === 1 ? await start() : undefined;
      if (first !== undefined) await eventually(async () => (await statusOf('/healthz')) === 200);
      const second = await start(args);
      await second.ended();
      expect(second.exitCode).to.equal(code);
      expect(JSON.stringify(second.logs)).to.match(message);
      await first?.kill();
    });
});
