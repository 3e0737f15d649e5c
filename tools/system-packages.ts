// Programs of the machine's own Debian packages. Those that are missing are installed.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { run } from './command.ts';
import type { Progress } from './progress.ts';

/** The Debian package of each program. */
const packageOf = {
  buildah: 'buildah',
  dpkg: 'dpkg',
  ip: 'iproute2',
  iptables: 'iptables',
  mmdebstrap: 'mmdebstrap',
  openssl: 'openssl',
  runc: 'runc',
  setpriv: 'util-linux',
  shellcheck: 'shellcheck',
} as const;
export type SystemProgram = keyof typeof packageOf;
export const systemPrograms = Object.keys(packageOf) as readonly SystemProgram[];

/** Searched after PATH: a user's PATH may lack the sbin folders. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** Where a program is on this machine, or undefined if it is in no folder of PATH and in no system folder. */
export async function findOnPath(program: string): Promise<string | undefined> {
  for (const folder of new Set([...(process.env.PATH ?? '').split(path.delimiter), ...systemFolders])) {
    const candidate = path.join(folder, program);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * The paths of the given programs, after installing the packages of those that are missing.
 * @throws Error that names what to install by hand where this process cannot: not Debian, or not root.
 */
export async function provideSystemPrograms(
  programs: readonly SystemProgram[],
  progress: Progress,
): Promise<Map<SystemProgram, string>> {
  const found = new Map<SystemProgram, string>();
  const missing: SystemProgram[] = [];
  for (const program of programs) {
    const file = await findOnPath(program);
    if (file === undefined) missing.push(program);
    else found.set(program, file);
  }
  if (missing.length === 0) return found;
  await installPackages([...new Set(missing.map(program => packageOf[program]))], progress);
  for (const program of missing) {
    const file = await findOnPath(program);
    if (file === undefined) throw new Error(`The package ${packageOf[program]} is installed, but there is no program ${program}`);
    found.set(program, file);
  }
  return found;
}

async function installPackages(packages: readonly string[], progress: Progress): Promise<void> {
  const names = packages.join(' ');
  if ((await findOnPath('apt-get')) === undefined) {
    throw new Error(
      `These programs are needed and not installed: ${names} (names of the Debian packages). This machine has no apt-get, so please install them by hand`,
    );
  }
  if (process.getuid?.() !== 0)
    throw new Error(`These Debian packages are needed and not installed: ${names}. Please run: sudo apt-get install ${names}`);
  await progress.step(`Installing ${names} with apt-get`, async () => {
    const environment = { DEBIAN_FRONTEND: 'noninteractive' };
    const wait = ['-o', 'DPkg::Lock::Timeout=300'];
    await run('apt-get', ['update', ...wait], { environment });
    await run('apt-get', ['install', '--yes', '--no-install-recommends', ...wait, ...packages], { environment });
  });
}
