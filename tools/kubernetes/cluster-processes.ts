// Finds the programs of the one-node cluster among all processes of this machine, also after a crash of the program that started them.
import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { identify, type ProcessIdentity, stopByIdentity } from './process.ts';

/** Every program that the cluster runs outside pods. */
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

/** A program belongs to the cluster if its command line names the cluster's state folder. */
export async function findClusterProcesses(stateFolder: string): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const identity = await identifyIfOurs(Number(entry), stateFolder);
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/** Kills all of them at once: the cluster's data is not kept. */
export async function killClusterProcesses(stateFolder: string): Promise<void> {
  // Repeated for processes that one of them started meanwhile.
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
    // The process ended meanwhile, or is a kernel thread.
    return undefined;
  }
}
