// Programs that are built from Go modules pinned in tools/programs/. Each is built once into the cache, and again when a pin changes.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, digestOf } from './cache.ts';
import { cacheFolder } from './cache-folder.ts';
import { run } from './command.ts';
import type { Progress } from './progress.ts';
import { findOnPath } from './system-packages.ts';

const modulesFolder = path.join(import.meta.dirname, 'programs');

interface GoProgram {
  /** Folder in tools/programs that has the go.mod. */
  module: 'kubernetes' | 'helm' | 'kwok' | 'pause';
  package: string;
}
/** In the best order for building: most packages of each are compiled by the programs before it. */
const goPrograms = {
  'kube-apiserver': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  'kube-controller-manager': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  'kube-scheduler': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-scheduler' },
  kubelet: { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kubelet' },
  'kube-proxy': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-proxy' },
  kubectl: { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kubectl' },
  helm: { module: 'helm', package: 'helm.sh/helm/v3/cmd/helm' },
  kwok: { module: 'kwok', package: 'sigs.k8s.io/kwok/cmd/kwok' },
  pause: { module: 'pause', package: '.' },
} as const satisfies Record<string, GoProgram>;
export type GoProgramName = keyof typeof goPrograms;
export const goProgramNames = Object.keys(goPrograms) as readonly GoProgramName[];

/** The paths of the given programs. Those that the cache does not have are built, which takes minutes each on two cores. */
export async function provideGoPrograms(
  names: readonly GoProgramName[],
  progress: Progress,
): Promise<Map<GoProgramName, string>> {
  const found = new Map<GoProgramName, string>();
  for (const name of names) found.set(name, await targetOf(goPrograms[name], name));
  const missing = goProgramNames.filter(name => found.has(name) && !existsSync(found.get(name) ?? ''));
  for (const [index, name] of missing.entries()) {
    await progress.step(`Building ${name} (${index + 1} of ${missing.length}; once, then it is cached)`, () =>
      build(name, found.get(name) ?? ''),
    );
  }
  return found;
}

/** kwok's stages: what a simulated kubelet does to nodes and pods. They are files of its module and not part of the program. */
export async function provideKwokStages(): Promise<readonly string[]> {
  const target = path.join(path.dirname(await targetOf(goPrograms.kwok, 'kwok')), 'stages');
  await cached(target, "copying kwok's stages", async folder => {
    await mkdir(folder);
    const module = path.join(modulesFolder, 'kwok');
    await go(['mod', 'download', 'sigs.k8s.io/kwok'], module);
    const source = (await go(['list', '-m', '-f', '{{.Dir}}', 'sigs.k8s.io/kwok'], module)).trim();
    for (const stage of ['node/fast', 'node/heartbeat-with-lease', 'pod/fast']) {
      const from = path.join(source, 'kustomize/stage', stage);
      const files = (await readdir(from)).filter(name => name.endsWith('.yaml') && name !== 'kustomization.yaml');
      for (const file of files) await copyFile(path.join(from, file), path.join(folder, file));
    }
  });
  return (await readdir(target)).sort().map(name => path.join(target, name));
}

/** The version of a module that a go.mod pins, as in v1.37.2. */
export async function pinnedVersion(module: GoProgram['module'], dependency: string): Promise<string> {
  const text = await readFile(path.join(modulesFolder, module, 'go.mod'), 'utf8');
  const version = text
    .split('\n')
    .map(line => line.trim().split(' '))
    .find(words => words[0] === dependency)?.[1];
  if (version === undefined) throw new Error(`tools/programs/${module}/go.mod does not require ${dependency}`);
  return version;
}

/** The linker variables of upstream's makefiles. Without them Kubernetes reports v0.0.0, and helm assumes Kubernetes v1.20. */
async function variablesOf(module: GoProgram['module']): Promise<readonly string[]> {
  if (module !== 'kubernetes' && module !== 'helm') return [];
  const version = await pinnedVersion('kubernetes', 'k8s.io/kubernetes');
  if (module === 'kubernetes') return [`k8s.io/component-base/version.gitVersion=${version}`];
  const [major = '', minor = ''] = version.slice(1).split('.');
  return ['chartutil', 'lint/rules'].flatMap(name => [
    `helm.sh/helm/v3/pkg/${name}.k8sVersionMajor=${major}`,
    `helm.sh/helm/v3/pkg/${name}.k8sVersionMinor=${minor}`,
  ]);
}

/** The cache path of a program; it changes with everything that decides what is built. */
async function targetOf(program: GoProgram, name: string): Promise<string> {
  const folder = path.join(modulesFolder, program.module);
  const files = (await readdir(folder)).filter(file => /^go\.(mod|sum)$|\.go$/.test(file)).sort();
  const contents = await Promise.all(files.map(file => readFile(path.join(folder, file))));
  // The variables of the Kubernetes programs follow from their go.mod.
  const linked = program.module === 'helm' ? await variablesOf('helm') : [];
  return path.join(cacheFolder, 'programs', `${program.module}-${digestOf(process.arch, ...contents, ...linked)}`, name);
}

async function build(name: GoProgramName, target: string): Promise<void> {
  const { module, package: package_ } = goPrograms[name];
  const flags = ['-s -w', ...(await variablesOf(module)).map(variable => `-X ${variable}`)].join(' ');
  await cached(target, `building ${name}`, async output => {
    await go(
      ['build', '-trimpath', '-buildvcs=false', '-ldflags', flags, '-o', output, package_],
      path.join(modulesFolder, module),
    );
  });
}

async function go(args: readonly string[], module: string): Promise<string> {
  const program = (await findOnPath('go')) ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : undefined);
  if (program === undefined)
    throw new Error(
      'Go is needed to build the Kubernetes programs and is not installed. Please install Go 1.26 or later, or use another cluster: npm start -- --context NAME',
    );
  return await run(program, args, { cwd: module, environment: { CGO_ENABLED: '0', GOWORK: 'off' } });
}
