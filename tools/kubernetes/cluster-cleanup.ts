// Removes everything of a one-node cluster from this machine. Each step finds by itself what is left, so that it works after a crash
// and does nothing on a clean machine.
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, rm, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../command.ts';
import { removeCgroup } from './cgroups.ts';
import { networkExists, type NetworkPrograms, removeNetwork } from './cluster-network.ts';
import { killClusterProcesses } from './cluster-processes.ts';
import { removeServiceRules } from './service-rules.ts';
import { waitUntil } from './wait-until.ts';

const unmountTimeoutMs = 20_000;
/** A kubelet creates links to the logs of all containers there, whatever its own folders are. */
const containerLogLinks = '/var/log/containers';

export async function cleanUp(programs: NetworkPrograms, stateFolder: string): Promise<void> {
  await killClusterProcesses(stateFolder);
  await removeCgroup();
  await unmountBelow(stateFolder);
  // kube-proxy writes its rules only where the bridge was created: without one they are of another cluster.
  if (await networkExists(programs.ip)) await removeServiceRules(programs.iptables);
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
  // In reverse order, since a mount may lie on an earlier one. A mount is busy until the kernel has removed the killed processes that
  // used it.
  for (const point of points.reverse()) {
    await waitUntil(`${point} to be unmounted`, unmountTimeoutMs, async () => {
      await run('umount', [point]);
      return true;
    });
  }
}

async function removeLogLinks(stateFolder: string): Promise<void> {
  if (!existsSync(containerLogLinks)) return;
  for (const name of await readdir(containerLogLinks)) {
    const link = path.join(containerLogLinks, name);
    const target = await readlink(link).catch(() => '');
    if (target.startsWith(`${stateFolder}/`)) await unlink(link);
  }
  // Only if it is empty: another kubelet may use the folder too.
  await rmdir(containerLogLinks).catch(() => undefined);
}
