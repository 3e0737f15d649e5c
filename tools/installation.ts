// The controller in a cluster, as its users install it: by Helm, into a namespace that enforces Pod Security "restricted".
// Used by start.ts and by the end-to-end tests.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from './command.ts';
import { providePrograms } from './programs.ts';

const root = path.resolve(import.meta.dirname, '..');

export const controllerNamespace = 'bitcoin-controller-system';
export const releaseName = 'bitcoin-controller';

/** A cluster by its kubeconfig, and by the context to use of it. */
export interface Cluster {
  readonly kubeconfig: string;
  readonly context?: string | undefined;
}

/** Full image references, when others than the chart's own are to run. */
export interface Images {
  readonly controller?: string | undefined;
  readonly bitcoind?: string | undefined;
}

const clientArguments = ({ kubeconfig, context }: Cluster, contextFlag: string): string[] => [
  `--kubeconfig=${kubeconfig}`,
  ...(context === undefined ? [] : [`${contextFlag}=${context}`]),
];

/** Runs kubectl and returns what it prints; `input` goes to its standard input. Throws with its standard error. */
export async function kubectl(cluster: Cluster, args: readonly string[], input = ''): Promise<string> {
  const programs = await providePrograms(['kubectl']);
  return run(programs.kubectl, [...clientArguments(cluster, '--context'), ...args], { input });
}

async function helm(cluster: Cluster, args: readonly string[]): Promise<string> {
  const programs = await providePrograms(['helm']);
  return run(programs.helm, [...clientArguments(cluster, '--kube-context'), ...args]);
}

/** Makes a namespace that refuses every pod which Pod Security "restricted" does not allow; does nothing if it exists. */
export async function createRestrictedNamespace(cluster: Cluster, name: string): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  await kubectl(cluster, ['apply', '--server-side', '-f', '-'], JSON.stringify(namespace));
}

/** Splits REPOSITORY:TAG or REPOSITORY@DIGEST into the chart's values. */
function imageValues(image: string): Record<string, string> {
  const [repository = '', digest] = image.split('@');
  if (digest !== undefined) return { repository, digest };
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/')
    ? { repository: image.slice(0, colon), tag: image.slice(colon + 1) }
    : { repository: image };
}

/** Installs or upgrades the chart and waits until the controller is ready. */
export async function installController(cluster: Cluster, images: Images = {}, values: object = {}): Promise<void> {
  await createRestrictedNamespace(cluster, controllerNamespace);
  const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-values-'));
  try {
    const file = path.join(folder, 'values.json');
    const chosen = {
      ...(images.controller === undefined ? {} : { image: imageValues(images.controller) }),
      ...(images.bitcoind === undefined ? {} : { bitcoind: { image: imageValues(images.bitcoind) } }),
    };
    await writeFile(file, JSON.stringify({ ...chosen, ...values }));
    const chart = path.join(root, 'charts', 'bitcoin-controller');
    const target = ['--namespace', controllerNamespace, '--values', file, '--wait', '--timeout', '180s'];
    await helm(cluster, ['upgrade', '--install', releaseName, chart, ...target]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Takes away what installController made; the CustomResourceDefinition stays, as the chart says. */
export async function uninstallController(cluster: Cluster): Promise<void> {
  await helm(cluster, ['uninstall', releaseName, '--namespace', controllerNamespace, '--wait', '--ignore-not-found']);
  await kubectl(cluster, ['delete', 'namespace', controllerNamespace, '--ignore-not-found']);
}
