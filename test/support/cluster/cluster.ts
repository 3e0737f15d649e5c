// The real one-node cluster for tests, with the controller's images in it: brought up once for all test files of a mocha process
// and taken down at its end, unless it was up before. Test files share it, so each works in namespaces of its own.
import { run } from '../../../tools/command.ts';
import { buildImages, type BuiltImage } from '../../../tools/images.ts';
import { bringClusterUp, clusterKubeconfig, loadImages, takeClusterDown } from '../../../tools/kubernetes/one-node-cluster.ts';
import { MachineLock } from '../../../tools/machine-lock.ts';
import { Progress, say } from '../../../tools/progress.ts';
import { providePrograms } from '../../../tools/programs.ts';

export interface TestCluster {
  /** File of the administrator's kubeconfig. */
  readonly kubeconfigPath: string;
  /** Names of the two images that are loaded into it. */
  readonly controllerImage: string;
  readonly bitcoindImage: string;
  /** Runs kubectl as the administrator and returns its standard output; throws with its standard error if it fails. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** As kubectl(), with `input` on its standard input: for `apply -f -`. */
  kubectlWithInput(input: string, ...args: readonly string[]): Promise<string>;
  /** Runs helm against the cluster. */
  helm(...args: readonly string[]): Promise<string>;
}

interface Shared {
  cluster: TestCluster;
  /** Whether the cluster goes when the tests are done. */
  isOurs: boolean;
  lock: MachineLock;
}
let shared: Promise<Shared> | undefined;

/** The cluster, which the first caller brings up: about 20 s, or minutes if programs or images must be built first. */
export async function sharedCluster(): Promise<TestCluster> {
  shared ??= prepare();
  return (await shared).cluster;
}

/** Takes the cluster down if sharedCluster() has brought it up. For the runner's last hook. */
export async function releaseSharedCluster(): Promise<void> {
  if (shared === undefined) return;
  const { isOurs, lock } = await shared;
  shared = undefined;
  if (isOurs) await takeClusterDown();
  await lock.release();
}

async function prepare(): Promise<Shared> {
  const lock = await MachineLock.acquire('tests on the local cluster', 'running them', holder => say(`Waiting for ${holder}`));
  let isOurs = false;
  try {
    const progress = new Progress();
    const programs = await providePrograms(['kubectl', 'helm'], progress);
    const images = await buildImages(progress);
    isOurs = await bringClusterUp(progress);
    await loadImages(
      images.map(({ archive }) => archive),
      progress,
    );
    return { cluster: testCluster(programs, images), isOurs, lock };
  } catch (error) {
    if (isOurs) await takeClusterDown();
    await lock.release();
    throw error;
  }
}

function testCluster(programs: { kubectl: string; helm: string }, images: readonly BuiltImage[]): TestCluster {
  const environment = { KUBECONFIG: clusterKubeconfig, NO_PROXY: '*', no_proxy: '*' };
  const nameOf = (kind: BuiltImage['kind']): string => images.find(image => image.kind === kind)?.name ?? '';
  return {
    kubeconfigPath: clusterKubeconfig,
    controllerImage: nameOf('controller'),
    bitcoindImage: nameOf('bitcoind'),
    kubectl: (...args) => run(programs.kubectl, args, { environment }),
    kubectlWithInput: (input, ...args) => run(programs.kubectl, args, { input, environment }),
    helm: (...args) => run(programs.helm, args, { environment }),
  };
}
