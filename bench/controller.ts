// The controller as the benchmarks and the soak run it: the bundled file in a process of its own, on a control plane of a test's.
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { customResourceDefinition } from '../src/bitcoin/custom-resource-definition.ts';
import { KubeClient } from '../src/kube-client.ts';
import { run } from '../tools/command.ts';
import { freePort } from '../tools/kubernetes/free-port.ts';
import { RunningProgram } from '../tools/kubernetes/process.ts';
import { waitUntil } from '../tools/kubernetes/wait-until.ts';
import { providePrograms } from '../tools/programs.ts';
import type { TestControlPlane } from '../test/support/api-server.ts';
import { RecordingLogger } from '../test/support/recording-logger.ts';

const root = path.resolve(import.meta.dirname, '..');
const bundle = path.join(root, 'dist', 'main.js');
const startTimeoutMs = 30_000;
const readyPollMs = 5;

export interface RunningController {
  readonly program: RunningProgram;
  readonly pid: number;
  /** http://HOST:PORT of /readyz and /metrics. */
  readonly healthUrl: string;
  /** From the moment before it was started until /readyz said 200. */
  readonly secondsToReady: number;
}

/** As `npm run build` does. */
export async function buildController(): Promise<void> {
  await run(process.execPath, [path.join(root, 'tools', 'build.ts')]);
}

/** Makes the API server know BitcoinNetworks. */
export async function installDefinition(cluster: TestControlPlane): Promise<void> {
  await cluster.kubectlWithInput(JSON.stringify(customResourceDefinition()), 'create', '--filename', '-');
  await cluster.kubectl('wait', '--for=condition=Established', 'crd', '--all');
}

/** A client without limits of its own that speaks as the administrator. */
export function adminClient(cluster: TestControlPlane): KubeClient {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(cluster.kubeconfigPath);
  return new KubeClient({ kubeConfig, logger: new RecordingLogger(), userAgent: 'bench', qps: 0 });
}

/** Starts the bundled controller; resolves when it is ready. It ends with this process. */
export async function startController(
  cluster: Pick<TestControlPlane, 'kubeconfigPath' | 'dir'>,
  options: { readonly nodeOptions?: readonly string[]; readonly args?: readonly string[] } = {},
): Promise<RunningController> {
  const { nodeOptions = [], args = [] } = options;
  const { setpriv } = await providePrograms(['setpriv']);
  const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
  const startedMs = performance.now();
  const program = await RunningProgram.start({
    name: 'controller',
    file: process.execPath,
    args: [...nodeOptions, bundle, `--kubeconfig=${cluster.kubeconfigPath}`, `--health-address=${address}`, ...args],
    logFile: path.join(cluster.dir, 'logs', 'controller.log'),
    setpriv,
  });
  const healthUrl = `http://${address}`;
  const isReady = async (): Promise<boolean> => {
    program.assertRuns();
    return (await fetch(`${healthUrl}/readyz`)).ok;
  };
  await waitUntil('the controller', startTimeoutMs, isReady, readyPollMs);
  const secondsToReady = (performance.now() - startedMs) / 1000;
  return { program, pid: program.identity.pid, healthUrl, secondsToReady };
}
