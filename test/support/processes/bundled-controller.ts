// The controller as benchmarks and the soak run it: a process of its own whose /metrics can be asked. As a rule it is the bundled file.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { customResourceDefinitions } from '../../../src/bitcoin/api/custom-resource-definition.ts';
import { KubeClient } from '../../../src/kube/client.ts';
import { run } from '../../../tools/command.ts';
import { freePort } from '../../../tools/kubernetes/free-port.ts';
import { RunningProgram } from '../../../tools/kubernetes/process.ts';
import { waitUntil } from '../../../tools/kubernetes/wait-until.ts';
import { providePrograms } from '../../../tools/programs.ts';
import type { TestControlPlane } from '../cluster/api-server.ts';
import { untilEstablished } from '../cluster/established.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const bundle = path.join(root, 'dist', 'main.js');
/** The same, from its sources: nothing has to be built. */
export const sourceFile = path.join(root, 'src', 'main.ts');
/** The options of Node.js with which the image runs it. */
const imageOptions = (
  JSON.parse(
    /^ENTRYPOINT (.+)$/m.exec(readFileSync(path.join(root, 'images', 'controller', 'Dockerfile'), 'utf8'))?.[1] ?? '[]',
  ) as string[]
).slice(1, -1);
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
  await cluster.kubectlWithInput(JSON.stringify(customResourceDefinitions()), 'create', '--filename', '-');
  await untilEstablished(cluster, 'crd', '--all');
}

/** A client without limits of its own that speaks as the administrator. */
export function adminClient(cluster: TestControlPlane): KubeClient {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(cluster.kubeconfigPath);
  return new KubeClient({ kubeConfig, logger: new RecordingLogger(), userAgent: 'bench', qps: 0 });
}

/** Starts the controller; resolves when it is ready. It ends with this process. */
export async function startController(
  cluster: Pick<TestControlPlane, 'kubeconfigPath' | 'dir'>,
  options: {
    readonly file?: string;
    /** The Node.js that runs it. Default: the one of this process. */
    readonly node?: string;
    readonly nodeOptions?: readonly string[];
    readonly args?: readonly string[];
  } = {},
): Promise<RunningController> {
  const { file = bundle, node = process.execPath, nodeOptions = [], args = [] } = options;
  const { setpriv } = await providePrograms(['setpriv']);
  const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
  const startedMs = performance.now();
  const program = await RunningProgram.start({
    name: 'controller',
    file: node,
    args: [
      ...imageOptions,
      ...nodeOptions,
      file,
      `--kubeconfig=${cluster.kubeconfigPath}`,
      `--health-address=${address}`,
      ...args,
    ],
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
