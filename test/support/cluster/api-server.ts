// A real API server for tests: a control plane on loopback with a folder, a port, certificates and data of its own.
// Any number may run at once.
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../../tools/command.ts';
import { ControlPlane } from '../../../tools/kubernetes/control-plane.ts';
import { type ProgramName, providePrograms } from '../../../tools/programs.ts';

const folderPrefix = 'bitcoin-controller-test-';

export interface ControlPlaneOptions {
  /** Run kube-controller-manager: StatefulSets make pods, service accounts and garbage collection work. */
  controllerManager?: boolean;
  scheduler?: boolean;
  /** Write each request to `auditLogPath`, one JSON object a line. */
  audit?: boolean;
  /** Added to the API server's command line: what is given twice counts as given last. */
  apiServerArguments?: readonly string[];
}

export interface TestControlPlane {
  /** File of the administrator's kubeconfig. */
  readonly kubeconfigPath: string;
  /** The text of that file. */
  readonly adminKubeconfig: string;
  /** As in https://127.0.0.1:20443 */
  readonly serverUrl: string;
  /** A folder that goes when the control plane stops; logs/ has what the programs wrote. */
  readonly dir: string;
  readonly etcdEndpoint: string;
  readonly auditLogPath: string | undefined;
  /** Runs kubectl as the administrator and returns its standard output; throws with its standard error if it fails. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** As kubectl(), with `input` on its standard input: for `apply -f -`. */
  kubectlWithInput(input: string, ...args: readonly string[]): Promise<string>;
  /** Writes a kubeconfig for a service account that exists; returns the file. */
  kubeconfigForServiceAccount(namespace: string, name: string): Promise<string>;
  /** Ends the API server (a crash with 'abruptly'). etcd and the data stay. */
  stopApiServer(how?: 'politely' | 'abruptly'): Promise<void>;
  /** Starts it again at the same address; resolves when it is ready. Arguments given take the place of the `apiServerArguments`. */
  startApiServer(apiServerArguments?: readonly string[]): Promise<void>;
  restartApiServer(how?: 'politely' | 'abruptly'): Promise<void>;
  /** Starts again what has ended by itself, but for etcd and the API server; returns what that was, and the end of each log. */
  revive(): Promise<string[]>;
  /** Starts the controller manager and the scheduler over. */
  restartControllers(): Promise<void>;
  /**
   * Makes etcd forget its history. The API server's own watch cache still knows the recent past: restart it after this to have
   * a watch from an earlier resource version answered with 410 Gone. Returns etcd's revision.
   */
  compact(): Promise<number>;
  /** Kills every program and removes the folder. */
  stop(): Promise<void>;
}

/** Resolves when the API server is ready: about 3 s. Programs that are missing are built first, which takes minutes once. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<TestControlPlane> {
  const { controllerManager = false, scheduler = false, audit = false, apiServerArguments = [] } = options;
  const names: ProgramName[] = ['etcd', 'openssl', 'setpriv', 'kube-apiserver', 'kubectl'];
  if (controllerManager) names.push('kube-controller-manager');
  if (scheduler) names.push('kube-scheduler');
  const programs = await providePrograms(names);
  await removeAbandonedFolders();
  const folder = await mkdtemp(path.join(tmpdir(), `${folderPrefix}${process.pid}-`));
  const controlPlane = await ControlPlane.start({
    folder,
    programs,
    setpriv: programs.setpriv,
    address: '127.0.0.1',
    serviceRange: '10.98.0.0/16',
    controllerManager,
    scheduler,
    audit,
    apiServerArguments,
    hasKubelets: false,
  });
  return testControlPlane(controlPlane, programs.kubectl);
}

function testControlPlane(controlPlane: ControlPlane, kubectl: string): TestControlPlane {
  const { kubeconfigPath, settings } = controlPlane;
  const withInput = (input: string, ...args: readonly string[]): Promise<string> =>
    run(kubectl, [`--kubeconfig=${kubeconfigPath}`, ...args], { input, environment: { NO_PROXY: '*', no_proxy: '*' } });
  return {
    kubeconfigPath,
    adminKubeconfig: controlPlane.adminKubeconfig,
    serverUrl: controlPlane.server.url,
    dir: settings.folder,
    etcdEndpoint: controlPlane.etcd.endpoint,
    auditLogPath: controlPlane.auditLogPath,
    kubectl: (...args) => withInput('', ...args),
    kubectlWithInput: withInput,
    kubeconfigForServiceAccount: (namespace, name) => controlPlane.kubeconfigForServiceAccount(namespace, name),
    stopApiServer: how => controlPlane.stopApiServer(how),
    startApiServer: apiServerArguments => controlPlane.startApiServer(apiServerArguments),
    restartApiServer: async how => {
      await controlPlane.stopApiServer(how);
      await controlPlane.startApiServer();
    },
    revive: () => controlPlane.revive(),
    restartControllers: () => controlPlane.restartControllers(),
    compact: () => controlPlane.etcd.compact(),
    stop: async () => {
      await controlPlane.stop();
      await rm(settings.folder, { recursive: true, force: true });
    },
  };
}

/** Removes folders of test processes that were killed. Their programs ended with them. A folder of another user is not touched. */
async function removeAbandonedFolders(): Promise<void> {
  const parent = tmpdir();
  const names = await readdir(parent);
  for (const name of names.filter(one => one.startsWith(folderPrefix))) {
    const folder = path.join(parent, name);
    const pid = Number(name.slice(folderPrefix.length).split('-')[0]);
    const owner = (await lstat(folder).catch(() => undefined))?.uid;
    if (owner === process.getuid?.() && !isAlive(pid)) await rm(folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
