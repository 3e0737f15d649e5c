// Takes away everything that a one-node cluster may have left on this machine, whatever state it was left in. Each step finds what
// there is by itself, so that it works after a crash and does nothing on a clean machine.
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, rm, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../command.ts';
import { removeCgroup } from './cgroups.ts';
import { networkExists, type NetworkPrograms, removeNetwork } from './cluster-network.ts';
import { killClusterProcesses } from './cluster-processes.ts';

/** Where a kubelet links the logs of all containers, whatever its own folders are. */
const containerLogLinks = '/var/log/containers';

export async function cleanUp(programs: NetworkPrograms & { 'kube-proxy': string }, stateFolder: string): Promise<void> {
  await killClusterProcesses(stateFolder);
  await removeCgroup();
  await unmountBelow(stateFolder);
  // kube-proxy's rules are left only where the bridge was made: where there is none, another cluster's must not be touched.
  if (await networkExists(programs.ip)) {
    await run(programs['kube-proxy'], ['--cleanup'], { environment: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` } });
  }
  await removeNetwork(programs, stateFolder);
  await removeLogLinks(stateFolder);
  await rm(stateFolder, { recursive: true, force: true });
}

async function unmountBelow(stateFolder: string): Promise<void> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const points = mounts
    .split('\n')
    .map(line =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter(point => point.startsWith(`${stateFolder}/`));
  // The last mounted first: it may lie upon an earlier one.
  for (const point of points.reverse()) await run('umount', [point]);
}

async function removeLogLinks(stateFolder: string): Promise<void> {
  if (!existsSync(containerLogLinks)) return;
  for (const name of await readdir(containerLogLinks)) {
    const link = path.join(containerLogLinks, name);
    const target = await readlink(link).catch(() => '');
    if (target.startsWith(`${stateFolder}/`)) await unlink(link);
  }
  // Only if it is empty: the folder may be another kubelet's too.
  await rmdir(containerLogLinks).catch(() => undefined);
}
