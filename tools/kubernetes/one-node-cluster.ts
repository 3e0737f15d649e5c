// A whole Kubernetes on this machine: control plane, containerd, kubelet and kube-proxy, with real pods. There is at most one, because its
// addresses, rules and control group are the machine's. It runs until it is taken down, beyond the process that started it.
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../command.ts';
import { MachineLock } from '../machine-lock.ts';
import { Progress, say } from '../progress.ts';
import { providePrograms } from '../programs.ts';
import { cleanUp } from './cluster-cleanup.ts';
import { createNetwork, network, networkExists } from './cluster-network.ts';
import { findClusterProcesses } from './cluster-processes.ts';
import { importImage, listImages, startContainerd } from './containerd.ts';
import { ControlPlane } from './control-plane.ts';
import { startNode } from './node.ts';
import { refuseOtherServiceRules } from './service-rules.ts';

/** The same for all users: each finds the cluster that another one left. */
const stateFolder = '/var/lib/bitcoin-controller-cluster';
/** Written last, when everything is up. */
const readyFile = path.join(stateFolder, 'ready');
const lockName = 'the local cluster';
/** The processes that a cluster must have to be up. */
const essentialPrograms = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'containerd',
];

const networkProgramNames = ['ip', 'iptables'] as const;
const controlPlaneProgramNames = [
  'etcd',
  'openssl',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
] as const;
const nodeProgramNames = ['containerd', 'ctr', 'cni-plugins', 'runc', 'pause', 'kubelet', 'kube-proxy'] as const;

/** The kubeconfig of a cluster that is up. */
export const clusterKubeconfig = path.join(stateFolder, 'admin.kubeconfig');

/** The audit log of its API server, one JSON object per line. Older parts are beside it, with their time in the name. */
export const clusterAuditLog = path.join(stateFolder, 'audit.log');
/** The cluster may run for days: the newest 150 MB are kept. */
const auditLogLimits = ['--audit-log-maxsize=50', '--audit-log-maxbackup=2'];

export type ClusterState = 'up' | 'down' | 'broken';

/** up: all of its programs run; broken: parts of it are left, which `down` and `up` remove. */
export async function clusterState(): Promise<ClusterState> {
  const running = new Set((await findClusterProcesses(stateFolder)).map(({ name }) => name));
  if (existsSync(readyFile) && essentialPrograms.every(name => running.has(name))) return 'up';
  return running.size > 0 || existsSync(stateFolder) ? 'broken' : 'down';
}

/**
 * Starts the cluster, or does nothing if it is up. What an earlier one left after a crash is removed first. Waits for another process that
 * is starting it or taking it down.
 * @returns whether this call started it
 * @throws Error if this process is not root, or if a step fails
 */
export async function bringClusterUp(progress = new Progress()): Promise<boolean> {
  return await exclusively('bringing it up', async () => {
    const programs = await providePrograms([...networkProgramNames, ...controlPlaneProgramNames, ...nodeProgramNames], progress);
    const state = await clusterState();
    if (state === 'up') return false;
    if (state === 'broken' || (await networkExists(programs.ip)))
      await progress.step('Removing what an earlier cluster left', () => cleanUp(programs, stateFolder));
    await progress.step('Starting a one-node Kubernetes', async detail => {
      try {
        await start(programs, detail);
      } catch (error) {
        await keepLogs();
        await cleanUp(programs, stateFolder);
        throw error;
      }
    });
    return true;
  });
}

/** Stops the cluster and removes everything that belongs to it; does nothing if nothing of it exists. */
export async function takeClusterDown(progress = new Progress()): Promise<void> {
  await exclusively('taking it down', async () => {
    const programs = await providePrograms(networkProgramNames, progress);
    if ((await clusterState()) === 'down' && !(await networkExists(programs.ip))) return;
    await progress.step('Taking the one-node Kubernetes down', () => cleanUp(programs, stateFolder));
  });
}

/** Imports the images of archives into the cluster. */
export async function loadImages(archives: readonly string[], progress = new Progress()): Promise<void> {
  await assertUp();
  const { ctr } = await providePrograms(['ctr'], progress);
  for (const archive of archives) {
    if (!existsSync(archive)) throw new Error(`The image archive ${archive} does not exist. npm run images builds the images`);
    await progress.step(`Loading ${path.basename(archive)} into the cluster`, () =>
      importImage(ctr, stateFolder, path.resolve(archive)),
    );
  }
}

/** The text of `npm run cluster -- status` for a cluster that is up. */
export async function describeCluster(): Promise<string> {
  await assertUp();
  const { ctr, kubectl } = await providePrograms(['ctr', 'kubectl']);
  const nodes = await run(kubectl, [
    `--kubeconfig=${clusterKubeconfig}`,
    'get',
    'nodes,pods',
    '--all-namespaces',
    '--output=wide',
  ]);
  const images = await listImages(ctr, stateFolder);
  const started = await readFile(readyFile, 'utf8');
  return `Up since ${started}\nLogs: ${path.join(stateFolder, 'logs')}\nImages: ${images.join(', ')}\n\n${nodes}`;
}

type ClusterPrograms = Awaited<
  ReturnType<
    typeof providePrograms<(typeof networkProgramNames | typeof controlPlaneProgramNames | typeof nodeProgramNames)[number]>
  >
>;

async function start(programs: ClusterPrograms, detail: (text: string) => void): Promise<void> {
  await mkdir(path.join(stateFolder, 'logs'), { recursive: true });
  // The users of pods need it to reach files that are mounted for them.
  await chmod(stateFolder, 0o755);
  await refuseOtherServiceRules(programs.iptables);
  await createNetwork(programs, stateFolder);
  detail('control plane and containerd');
  const [controlPlane] = await Promise.all([
    ControlPlane.start({
      folder: stateFolder,
      programs,
      address: network.nodeAddress,
      serviceRange: network.serviceRange,
      controllerManager: true,
      scheduler: true,
      audit: true,
      apiServerArguments: auditLogLimits,
      hasKubelets: true,
    }),
    startContainerd({ stateFolder, programs }),
  ]);
  detail('node');
  await startNode(controlPlane, stateFolder, programs);
  await writeFile(readyFile, new Date().toISOString());
}

async function exclusively<Result>(purpose: string, work: () => Promise<Result>): Promise<Result> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error(
      'The local Kubernetes runs real containers and needs Linux and root. Please run this as root (sudo), or use another cluster: npm start -- --context NAME',
    );
  }
  const lock = await MachineLock.acquire(lockName, purpose, holder => say(`Waiting for ${lockName}: in use by ${holder}`));
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

async function assertUp(): Promise<void> {
  if ((await clusterState()) !== 'up') throw new Error('The local cluster is not up. To start it: npm run cluster -- up');
}

/** Copies the logs of a failed start out of the folder that is about to be removed, to a new folder that only root can read. */
async function keepLogs(): Promise<void> {
  const kept = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-cluster-logs-'));
  await run('cp', ['-r', path.join(stateFolder, 'logs'), kept]).catch(() => undefined);
  say(`The logs of the failed start are in ${kept}`);
}
