// Finds the programs of the one-node cluster among all processes of this machine, so that they are known after a crash too.
import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { identify, type ProcessIdentity, stopByIdentity } from './process.ts';

/** Everything that the cluster runs outside of pods. */
const programNames = new Set([
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'containerd',
  'containerd-shim-runc-v2',
]);

/** One of those programs belongs to the cluster if its command line names the cluster's state folder. */
export async function findClusterProcesses(stateFolder: string): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const identity = await identifyIfOurs(Number(entry), stateFolder);
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/** Kills them all at once: nothing of the cluster's data is kept. */
export async function killClusterProcesses(stateFolder: string): Promise<void> {
  // A second look catches what one of them has started meanwhile.
  for (let found = await findClusterProcesses(stateFolder); found.length > 0; found = await findClusterProcesses(stateFolder)) {
    await Promise.all(found.map(identity => stopByIdentity(identity, 0)));
  }
}

async function identifyIfOurs(pid: number, stateFolder: string): Promise<ProcessIdentity | undefined> {
  try {
    const executable = (await readlink(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
    const name = path.basename(executable);
    if (!programNames.has(name)) return undefined;
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return commandLine.includes(`${stateFolder}/`) ? identify(name, pid) : undefined;
  } catch {
    // It ended meanwhile, or is a kernel thread.
    return undefined;
  }
}
