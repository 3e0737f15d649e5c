// Programs from a newer Debian suite than the machine's own. They are unpacked into the cache; apt is used with lists and a
// package state of its own, so that the system's packages stay as they are.
import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, digestOf } from './cache.ts';
import { cacheFolder } from './cache-folder.ts';
import { run } from './command.ts';
import type { Progress } from './progress.ts';
import { findOnPath } from './system-packages.ts';

/** The oldest suite that has bitcoind, containerd 2 and Node.js 24 together; the images are made of it too. */
export const debianSuite = 'forky';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

interface DebianProgram {
  /** Packages that are unpacked together. */
  packages: readonly string[];
  /** Path in the packages; a folder for cni-plugins. */
  file: string;
  /** Set for a program that needs the libraries of the suite, as its C library: it is started through the suite's loader. */
  needsLibraries?: true;
}
const bitcoin = ['bitcoin-knots', 'systemd-standalone-sysusers'];
const debianPrograms = {
  'bitcoin-cli': { packages: bitcoin, file: 'usr/bin/bitcoin-cli', needsLibraries: true },
  bitcoind: { packages: bitcoin, file: 'usr/bin/bitcoind', needsLibraries: true },
  busybox: { packages: ['busybox-static'], file: 'usr/bin/busybox' },
  'cni-plugins': { packages: ['containernetworking-plugins'], file: 'usr/lib/cni' },
  containerd: { packages: ['containerd'], file: 'usr/bin/containerd' },
  'containerd-shim-runc-v2': { packages: ['containerd'], file: 'usr/bin/containerd-shim-runc-v2' },
  ctr: { packages: ['containerd'], file: 'usr/bin/ctr' },
  'docker-cli': { packages: ['docker-cli'], file: 'usr/bin/docker' },
  'docker-buildx': { packages: ['docker-buildx'], file: 'usr/libexec/docker/cli-plugins/docker-buildx' },
  etcd: { packages: ['etcd-server'], file: 'usr/bin/etcd' },
  shellcheck: { packages: ['shellcheck'], file: 'usr/bin/shellcheck', needsLibraries: true },
} as const satisfies Record<string, DebianProgram>;
export type DebianProgramName = keyof typeof debianPrograms;
export const debianProgramNames = Object.keys(debianPrograms) as readonly DebianProgramName[];

/** The paths of the given programs. Those that the cache does not have are fetched. */
export async function provideDebianPrograms(
  names: readonly DebianProgramName[],
  progress: Progress,
): Promise<Map<DebianProgramName, string>> {
  const found = new Map<DebianProgramName, string>();
  for (const name of names) {
    const program: DebianProgram = debianPrograms[name];
    const key = digestOf(debianSuite, process.arch, JSON.stringify(program.packages), 'layout 1');
    const folder = path.join(cacheFolder, 'debian', `${program.packages[0] ?? name}-${key}`);
    if (!existsSync(folder))
      await progress.step(`Fetching ${program.packages[0] ?? name} of Debian ${debianSuite}`, () =>
        fetchPackages(folder, program),
      );
    found.set(name, program.needsLibraries ? path.join(folder, 'bin', name) : path.join(folder, program.file));
  }
  return found;
}

/** The mirror that the machine's own apt uses for Debian. No mirror is hard-coded. */
export async function debianMirror(): Promise<string> {
  if ((await findOnPath('apt-get')) === undefined || !existsSync('/etc/debian_version')) {
    throw new Error(
      'The local Kubernetes uses containerd, etcd and bitcoind from Debian packages and needs a Debian machine. To use another cluster: npm start -- --context NAME',
    );
  }
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
  const targets = await run('apt-get', ['indextargets', '--format', '$(IDENTIFIER) $(RELEASE) $(COMPONENT) $(SITE)']);
  for (const target of targets.split('\n')) {
    const [identifier, release, component, site] = target.split(' ');
    if (identifier === 'Packages' && release === codename && component === 'main' && site !== undefined) return site;
  }
  throw new Error(`apt has no source for "${codename ?? 'this release'} main"; please add one to /etc/apt/sources.list.d`);
}

/**
 * Whether apt refuses a mirror whose signed state is past its validity. It does unless the machine's owner has configured otherwise,
 * as for a mirror that stands still: every tool here follows that setting.
 */
export async function checksValidUntil(): Promise<boolean> {
  if ((await findOnPath('apt-config')) === undefined) return true;
  const setting = await run('apt-config', ['shell', 'CHECK', 'Acquire::Check-Valid-Until/b']);
  return setting.trim() !== "CHECK='false'";
}

async function fetchPackages(folder: string, program: DebianProgram): Promise<void> {
  await cached(folder, `fetching ${program.packages.join(' and ')}`, async target => {
    const apt = `${target}.apt`;
    const options = await aptOptions(apt);
    await run('apt-get', [...options, 'update']);
    const closure = program.needsLibraries ? ['install', '--yes', '--download-only', '--no-install-recommends'] : ['download'];
    await run('apt-get', [...options, ...closure, ...program.packages], { cwd: path.join(apt, 'archives') });
    await mkdir(target, { recursive: true });
    const archives = (await readdir(path.join(apt, 'archives'))).filter(name => name.endsWith('.deb')).sort();
    for (const archive of archives) await run('dpkg', ['-x', path.join(apt, 'archives', archive), target]);
    await appendFile(path.join(target, 'PACKAGES'), archives.join('\n') + '\n');
    if (program.needsLibraries) await writeLaunchers(target, folder);
    await rm(apt, { recursive: true });
  });
}

/** Options that give apt its own sources, state and cache in `folder`, in which no package is installed. */
async function aptOptions(folder: string): Promise<string[]> {
  for (const name of ['lists/partial', 'archives/partial']) await mkdir(path.join(folder, name), { recursive: true });
  await writeFile(path.join(folder, 'status'), '');
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
  await writeFile(path.join(folder, 'sources.list'), `deb ${signed}${await debianMirror()} ${debianSuite} main\n`);
  const settings = {
    'Dir::State': folder,
    'Dir::State::lists': path.join(folder, 'lists'),
    'Dir::State::status': path.join(folder, 'status'),
    'Dir::Cache': folder,
    'Dir::Etc::SourceList': path.join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    // apt's own download user may not enter this user's cache folder.
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** Writes bin/NAME for each program that needs the unpacked libraries; `home` is the final path of the folder. */
async function writeLaunchers(target: string, home: string): Promise<void> {
  await mkdir(path.join(target, 'bin'));
  const libraries = (await readdir(path.join(target, 'usr/lib'))).find(name => name.endsWith('-linux-gnu'));
  if (libraries === undefined) throw new Error('The unpacked Debian packages have no folder of libraries');
  const loader = (await readdir(path.join(target, 'usr/lib', libraries))).find(name => name.startsWith('ld-linux-'));
  if (loader === undefined) throw new Error('The unpacked Debian packages have no program loader');
  const folder = path.join(home, 'usr/lib', libraries);
  for (const name of debianProgramNames.filter(one => 'needsLibraries' in debianPrograms[one])) {
    if (!existsSync(path.join(target, debianPrograms[name].file))) continue;
    const launcher = path.join(target, 'bin', name);
    await writeFile(
      launcher,
      `#!/bin/sh\nexec '${folder}/${loader}' --library-path '${folder}' '${home}/usr/bin/${name}' "$@"\n`,
    );
    await chmod(launcher, 0o755);
  }
}
