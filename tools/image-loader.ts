// Loads image archives into the nodes of a cluster that kind, k3d or minikube made on this machine: it then needs no registry.
import { run } from './command.ts';
import type { Progress } from './progress.ts';
import { findOnPath } from './system-packages.ts';

export interface ImageLoader {
  /** As in "the kind cluster dev". */
  readonly description: string;
  load(archive: string): Promise<void>;
}

interface ClusterTool {
  readonly program: string;
  /** The name of the cluster that a kubeconfig context of this tool belongs to; undefined for a context of another form. */
  clusterOf(context: string): string | undefined;
  /** What lists the clusters of the tool, and how to read the names from it. */
  readonly list: readonly string[];
  namesIn(output: string): readonly string[];
  load(cluster: string, archive: string): readonly string[];
}

const withPrefix =
  (prefix: string) =>
  (context: string): string | undefined =>
    context.startsWith(prefix) ? context.slice(prefix.length) : undefined;

const tools: readonly ClusterTool[] = [
  {
    program: 'kind',
    clusterOf: withPrefix('kind-'),
    list: ['get', 'clusters'],
    namesIn: output => output.split('\n').map(line => line.trim()),
    load: (cluster, archive) => ['load', 'image-archive', archive, '--name', cluster],
  },
  {
    program: 'k3d',
    clusterOf: withPrefix('k3d-'),
    list: ['cluster', 'list', '--output', 'json'],
    namesIn: output => (JSON.parse(output) as { name: string }[]).map(({ name }) => name),
    load: (cluster, archive) => ['image', 'import', archive, '--cluster', cluster],
  },
  {
    // A context of minikube has the name of its profile.
    program: 'minikube',
    clusterOf: context => context,
    list: ['profile', 'list', '--output', 'json'],
    namesIn: output => ((JSON.parse(output) as { valid?: { Name: string }[] }).valid ?? []).map(({ Name }) => Name),
    load: (cluster, archive) => ['image', 'load', archive, '--profile', cluster],
  },
];

/** The loader for a kubeconfig context; undefined if none of the tools is installed and reports the context's cluster as its own. */
export async function findImageLoader(context: string): Promise<ImageLoader | undefined> {
  for (const tool of tools) {
    const cluster = tool.clusterOf(context);
    const program = cluster === undefined ? undefined : await findOnPath(tool.program);
    if (cluster === undefined || program === undefined || !(await owns(tool, program, cluster))) continue;
    return {
      description: `the ${tool.program} cluster ${cluster}`,
      load: async archive => {
        await run(program, tool.load(cluster, archive));
      },
    };
  }
  return undefined;
}

/** Loads the archives one after the other. */
export async function loadWith(loader: ImageLoader, archives: readonly string[], progress: Progress): Promise<void> {
  for (const archive of archives)
    await progress.step(`Loading ${archive} into ${loader.description}`, () => loader.load(archive));
}

/** A tool that cannot list its clusters, as kind without an engine, owns none that is reachable from here. */
async function owns(tool: ClusterTool, program: string, cluster: string): Promise<boolean> {
  try {
    return tool.namesIn(await run(program, tool.list)).includes(cluster);
  } catch {
    return false;
  }
}
