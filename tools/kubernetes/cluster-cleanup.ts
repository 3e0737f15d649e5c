// Takes away everything that a one-node cluster may have left on this machine, whatever state it was left in. Each step finds what
// there is by itself, so that it works after a crash and does nothing on a clean machine.
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, rm, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../command.ts';
import { removeCgroup } from './cgroups.ts';
import { networkExists, type NetworkPrograms, removeNetwork } from './cluster-network.ts';
import { killClusterProcesses } from './cluster-processes.ts';
import { waitUntil } from './wait-until.ts';

const unmountTimeoutMs = 20_000;
/** Where a kubelet links the logs of all containers, whatever its own folders are. */
const containerLogLinks = '/var/log/containers';

export async function cleanUp(programs: NetworkPrograms & { 'kube-proxy': string }, stateFolder: string): Promise<void> {
  await killClusterProcesses(stateFolder);
  await removeCgroup();
  await unmountBelow(stateFolder);
  // kube-proxy's rules are left only where the bridge was made: where there is none, another cluster's must not be touched.
  if (await networkExists(programs.ip)) {
    await run(programs['kube-proxy'], ['--cleanup'], { environment: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` } });
    for (const iptables of [programs.iptables, programs.iptables.replace(/iptables$/, 'ip6tables')])
      await removeFirewallChain(iptables);
  }
  await removeNetwork(programs, stateFolder);
  await removeLogLinks(stateFolder);
  await rm(stateFolder, { recursive: true, force: true });
}

/** The kubelet leaves this chain, empty; one with rules in it is not its own and stays. */
async function removeFirewallChain(iptables: string): Promise<void> {
  const chain = 'KUBE-FIREWALL';
  const rules = await run(iptables, ['--wait', '--list-rules', chain]).catch(() => '');
  if (rules.trim() !== `-N ${chain}`) return;
  for (const from of ['INPUT', 'OUTPUT'])
    await run(iptables, ['--wait', '--delete', from, '--jump', chain]).catch(() => undefined);
  await run(iptables, ['--wait', '--delete-chain', chain]);
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
  // Busy until the kernel has done away with the killed processes that used it.
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
  // Only if it is empty: the folder may be another kubelet's too.
  await rmdir(containerLogLinks).catch(() => undefined);
}
