// A control plane with simulated Kubernetes nodes for tests of scale: real API server, controller manager and scheduler, and kwok in
// the place of kubelets. Every pod's address is made this machine's own, so that one server answers for all of them: see
// simulated-bitcoind.ts.
import { run } from '../../../tools/command.ts';
import { provideKwokStages } from '../../../tools/go-programs.ts';
import { RunningProgram } from '../../../tools/kubernetes/process.ts';
import { waitUntil } from '../../../tools/kubernetes/wait-until.ts';
import { MachineLock } from '../../../tools/machine-lock.ts';
import { providePrograms } from '../../../tools/programs.ts';
import { startControlPlane, type TestControlPlane } from './api-server.ts';

export const kwokPodRange = '10.245.0.0/16';
const readyTimeoutMs = 60_000;

/**
 * Starts a control plane (with controller manager, scheduler and audit log) and `nodes` simulated nodes that take 1,000 pods each.
 * Its pods become Ready at once, with addresses of 10.245.0.0/16 that are local to this machine. One at a time on a machine, and
 * root only, for the addresses. stop() takes all of it away.
 */
export async function startKwokCluster(options: {
  nodes: number;
  apiServerArguments?: readonly string[];
}): Promise<TestControlPlane> {
  const lock = await MachineLock.acquire('simulated nodes', 'running them', () => undefined);
  const programs = await providePrograms(['ip', 'kwok', 'setpriv']);
  // Before anything can dial one of them: a packet to an address that is not local would leave the machine.
  await run(programs.ip, ['route', 'replace', 'local', kwokPodRange, 'dev', 'lo']);
  const release = async (): Promise<void> => {
    await run(programs.ip, ['route', 'delete', 'local', kwokPodRange, 'dev', 'lo']);
    await lock.release();
  };
  let controlPlane: TestControlPlane | undefined;
  try {
    const { apiServerArguments = [] } = options;
    controlPlane = await startControlPlane({ controllerManager: true, scheduler: true, audit: true, apiServerArguments });
    let kwok = await startKwok(controlPlane, programs);
    await createNodes(controlPlane, options.nodes);
    await createAddressPool(controlPlane);
    const plane = controlPlane;
    return {
      ...plane,
      revive: async () => {
        const causes = await plane.revive();
        if (kwok.ending !== undefined) {
          causes.push(kwok.ending);
          kwok = await startKwok(plane, programs);
        }
        return causes;
      },
      stop: async () => {
        await kwok.stop(0);
        await plane.stop();
        await release();
      },
    };
  } catch (error) {
    await controlPlane?.stop();
    await release();
    throw error;
  }
}

async function startKwok(controlPlane: TestControlPlane, programs: { kwok: string; setpriv: string }): Promise<RunningProgram> {
  const stages = await provideKwokStages();
  return await RunningProgram.start({
    name: 'kwok',
    file: programs.kwok,
    args: [
      `--kubeconfig=${controlPlane.kubeconfigPath}`,
      '--manage-all-nodes',
      `--cidr=${kwokPodRange}`,
      '--node-ip=127.0.0.1',
      // As kubelets do.
      '--node-lease-duration-seconds=40',
      ...stages.map(stage => `--config=${stage}`),
    ],
    logFile: `${controlPlane.dir}/logs/kwok.log`,
    environment: { NO_PROXY: '*', no_proxy: '*' },
    setpriv: programs.setpriv,
  });
}

async function createNodes(controlPlane: TestControlPlane, count: number): Promise<void> {
  const capacity = { cpu: '1000', memory: '4Ti', pods: '1000' };
  const items = Array.from({ length: count }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `simulated-${index}`,
      labels: { 'kubernetes.io/hostname': `simulated-${index}`, 'kubernetes.io/os': 'linux' },
    },
    status: { capacity, allocatable: capacity },
  }));
  await controlPlane.kubectlWithInput(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), 'create', '--filename', '-');
  await waitUntil('the simulated nodes', readyTimeoutMs, async () => {
    const taintsAndReady = await controlPlane.kubectl(
      'get',
      'nodes',
      '--output=jsonpath={range .items[*]}{.spec.taints[*].key};{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}',
    );
    return (
      taintsAndReady
        .trim()
        .split('\n')
        .filter(line => line === ';True').length === count
    );
  });
}

/** kwok makes its pool of addresses for the first pod, without a lock: of two first pods at once both would get the first address. */
async function createAddressPool(controlPlane: TestControlPlane): Promise<void> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'first', namespace: 'default' },
    spec: { containers: [{ name: 'first', image: 'none' }] },
  };
  const serviceAccount = ['get', 'serviceaccount', 'default', '--ignore-not-found', '--output=name'];
  // Without it no pod is admitted.
  await waitUntil(
    'the default service account',
    readyTimeoutMs,
    async () => (await controlPlane.kubectl(...serviceAccount)) !== '',
  );
  await controlPlane.kubectlWithInput(JSON.stringify(pod), 'create', '--filename', '-');
  await controlPlane.kubectl('wait', '--for=jsonpath={.status.podIP}', 'pod/first', `--timeout=${readyTimeoutMs}ms`);
  await controlPlane.kubectl('delete', 'pod', 'first', '--now');
}
