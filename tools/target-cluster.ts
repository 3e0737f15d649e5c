// The cluster that npm start works on: the local one, which it brings up, or one that the user names, of which it touches only what
// it has installed itself. Before it: start.ts. After it: installation.ts.
import path from 'node:path';
import { run } from './command.ts';
import { buildImages, pushImages } from './images.ts';
import { bringClusterUp, clusterKubeconfig, loadImages, takeClusterDown } from './kubernetes/one-node-cluster.ts';
import type { Progress } from './progress.ts';
import { providePrograms } from './programs.ts';
import { findOnPath } from './system-packages.ts';

export interface StartOptions {
  check: boolean;
  keep: boolean;
  context: string | undefined;
  registry: string | undefined;
  controllerImage: string | undefined;
  bitcoindImage: string | undefined;
}

export interface TargetCluster {
  readonly description: string;
  /** What a user types to reach it with kubectl. */
  readonly kubectlCommand: string;
  readonly controllerImage: string;
  readonly bitcoindImage: string;
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
  readonly helm: (args: readonly string[]) => Promise<string>;
  /** Whether takeDown() takes the whole cluster away, with all that is in it. */
  readonly goesAway: boolean;
  takeDown(): Promise<void>;
}

/** Whether the user has named a cluster: then the local one is neither brought up nor touched. */
export function namesCluster(options: StartOptions): boolean {
  const named = process.env.KUBECONFIG;
  return options.context !== undefined || (named !== undefined && named !== '' && path.resolve(named) !== clusterKubeconfig);
}

/**
 * The cluster, ready to install into.
 * @throws Error before anything is done, if a named cluster could not get the images from anywhere.
 */
export async function targetCluster(options: StartOptions, progress: Progress): Promise<TargetCluster> {
  return namesCluster(options) ? await namedCluster(options, progress) : await localCluster(progress);
}

async function localCluster(progress: Progress): Promise<TargetCluster> {
  const programs = await providePrograms(['kubectl', 'helm'], progress);
  const isNew = await bringClusterUp(progress);
  const takeDown = async (): Promise<void> => {
    if (isNew) await takeClusterDown(progress);
  };
  try {
    const images = await buildImages(progress);
    await loadImages(
      images.map(({ archive }) => archive),
      progress,
    );
    const nameOf = (kind: string): string => images.find(image => image.kind === kind)?.name ?? '';
    return {
      description: 'the local one-node Kubernetes',
      kubectlCommand: `${programs.kubectl} --kubeconfig ${clusterKubeconfig}`,
      controllerImage: nameOf('controller'),
      bitcoindImage: nameOf('bitcoind'),
      ...commands(programs, ['--kubeconfig', clusterKubeconfig], ['--kubeconfig', clusterKubeconfig]),
      goesAway: isNew,
      takeDown,
    };
  } catch (error) {
    await takeDown();
    throw error;
  }
}

async function namedCluster(options: StartOptions, progress: Progress): Promise<TargetCluster> {
  const { context, registry, controllerImage, bitcoindImage } = options;
  const hasImages = controllerImage !== undefined && bitcoindImage !== undefined;
  if (registry === undefined && !hasImages) {
    throw new Error(
      'This cluster must be able to fetch the two images. Please say either --registry REGISTRY/PATH, to have them built and pushed there, or --controller-image IMAGE and --bitcoind-image IMAGE, to use ones that are there already',
    );
  }
  const found = { kubectl: await findOnPath('kubectl'), helm: await findOnPath('helm') };
  const missing = (['kubectl', 'helm'] as const).filter(name => found[name] === undefined);
  const built = await providePrograms(missing, progress);
  const programs = { kubectl: found.kubectl ?? built.kubectl, helm: found.helm ?? built.helm };
  const selected = commands(
    programs,
    context === undefined ? [] : ['--context', context],
    context === undefined ? [] : ['--kube-context', context],
  );
  await progress.step(`Asking the cluster${context === undefined ? '' : ` of context ${context}`}`, () =>
    selected.kubectl(['version', '--request-timeout=10s']),
  );
  const pushed = registry === undefined ? undefined : await pushImages(registry, await buildImages(progress), progress);
  return {
    description: context === undefined ? 'the cluster of KUBECONFIG' : `the cluster of context ${context}`,
    kubectlCommand: context === undefined ? 'kubectl' : `kubectl --context ${context}`,
    controllerImage: controllerImage ?? pushed?.controller ?? '',
    bitcoindImage: bitcoindImage ?? pushed?.bitcoind ?? '',
    ...selected,
    goesAway: false,
    takeDown: () => Promise.resolve(),
  };
}

const commands = (
  programs: { kubectl: string; helm: string },
  kubectlArgs: readonly string[],
  helmArgs: readonly string[],
): Pick<TargetCluster, 'kubectl' | 'helm'> => ({
  kubectl: (args, input) => run(programs.kubectl, [...kubectlArgs, ...args], input === undefined ? {} : { input }),
  helm: args => run(programs.helm, [...helmArgs, ...args]),
});
