// The cluster that npm start works on: the local one, which it starts, or one that the user names. In a named cluster it touches only
// what it installed itself.
import path from 'node:path';
import { run } from './command.ts';
import { findImageLoader, type ImageLoader, loadWith } from './image-loader.ts';
import { buildImages, type BuiltImage, type ImageKind, pushImages } from './images.ts';
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
  /** What a user types to reach it with kubectl and with helm. */
  readonly kubectlCommand: string;
  readonly helmCommand: string;
  readonly controllerImage: string;
  readonly bitcoindImage: string;
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
  readonly helm: (args: readonly string[]) => Promise<string>;
  /** Whether takeDown() removes the whole cluster with everything in it. */
  readonly goesAway: boolean;
  takeDown(): Promise<void>;
}

/** Whether the user has named a cluster: then the local one is not touched. */
function namesCluster(options: StartOptions): boolean {
  const named = process.env.KUBECONFIG;
  return options.context !== undefined || (named !== undefined && named !== '' && path.resolve(named) !== clusterKubeconfig);
}

/**
 * The cluster, ready to install into.
 * @throws Error before anything is built or installed, if a named cluster has no way to get the images.
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
    return {
      description: 'the local one-node Kubernetes',
      kubectlCommand: `${programs.kubectl} --kubeconfig ${clusterKubeconfig}`,
      helmCommand: `${programs.helm} --kubeconfig ${clusterKubeconfig}`,
      controllerImage: nameOf(images, 'controller'),
      bitcoindImage: nameOf(images, 'bitcoind'),
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
  const { context } = options;
  // Before the programs, which may take minutes to build.
  const early = context === undefined ? undefined : await imageLoader(options, context);
  const found = { kubectl: await findOnPath('kubectl'), helm: await findOnPath('helm') };
  const missing = (['kubectl', 'helm'] as const).filter(name => found[name] === undefined);
  const built = await providePrograms(missing, progress);
  const programs = { kubectl: found.kubectl ?? built.kubectl, helm: found.helm ?? built.helm };
  const selected = commands(
    programs,
    context === undefined ? [] : ['--context', context],
    context === undefined ? [] : ['--kube-context', context],
  );
  const name = context ?? (await selected.kubectl(['config', 'current-context'])).trim();
  const loader = early ?? (await imageLoader(options, name));
  await progress.step(`Connecting to the cluster of context ${name}`, () =>
    selected.kubectl(['version', '--request-timeout=10s']),
  );
  const images = await provideImages(options, loader, progress);
  return {
    description: `the cluster of context ${name}`,
    kubectlCommand: typed(programs.kubectl, '--context', context),
    helmCommand: typed(programs.helm, '--kube-context', context),
    controllerImage: options.controllerImage ?? images.controller,
    bitcoindImage: options.bitcoindImage ?? images.bitcoind,
    ...selected,
    goesAway: false,
    takeDown: () => Promise.resolve(),
  };
}

const needsImages = ({ controllerImage, bitcoindImage }: StartOptions): boolean =>
  controllerImage === undefined || bitcoindImage === undefined;

/** As a user types it in another terminal, which has neither the KUBECONFIG nor the working folder of this one. */
function typed(program: string, option: string, context: string | undefined): string {
  const files = (process.env.KUBECONFIG ?? '').split(path.delimiter).filter(file => file !== '');
  const kubeconfig = files.map(file => path.resolve(file)).join(path.delimiter);
  return `${kubeconfig === '' ? '' : `KUBECONFIG=${kubeconfig} `}${program}${context === undefined ? '' : ` ${option} ${context}`}`;
}

/** @throws Error if images are needed that the cluster has no way to get. */
async function imageLoader(options: StartOptions, context: string): Promise<ImageLoader | undefined> {
  if (!needsImages(options) || options.registry !== undefined) return undefined;
  const loader = await findImageLoader(context);
  if (loader !== undefined) return loader;
  throw new Error(
    `The cluster of context ${context} must be able to get the two images, and neither kind, k3d nor minikube reports it as its own. Please give either --registry REGISTRY/PATH, to build and push them there, or --controller-image IMAGE and --bitcoind-image IMAGE, to use images that exist already`,
  );
}

/** Builds the images that the options do not name and makes them available to the cluster; returns what its pods then use. */
async function provideImages(
  options: StartOptions,
  loader: ImageLoader | undefined,
  progress: Progress,
): Promise<Record<ImageKind, string>> {
  if (!needsImages(options)) return { controller: '', bitcoind: '' };
  const images = await buildImages(progress);
  if (options.registry !== undefined) {
    const { controller, bitcoind } = await pushImages(options.registry, images, progress);
    const pinned = (image: { name: string; digest: string }): string => `${image.name}@${image.digest}`;
    return { controller: pinned(controller), bitcoind: pinned(bitcoind) };
  }
  if (loader !== undefined) {
    const archives = images.map(({ archive }) => archive);
    await loadWith(loader, archives, progress);
  }
  return { controller: nameOf(images, 'controller'), bitcoind: nameOf(images, 'bitcoind') };
}

const nameOf = (images: readonly BuiltImage[], kind: ImageKind): string => images.find(image => image.kind === kind)?.name ?? '';

const commands = (
  programs: { kubectl: string; helm: string },
  kubectlArgs: readonly string[],
  helmArgs: readonly string[],
): Pick<TargetCluster, 'kubectl' | 'helm'> => ({
  kubectl: (args, input) => run(programs.kubectl, [...kubectlArgs, ...args], input === undefined ? {} : { input }),
  helm: args => run(programs.helm, [...helmArgs, ...args]),
});
