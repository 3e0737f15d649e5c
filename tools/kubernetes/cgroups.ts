// The control group that has every pod of the one-node cluster below it: by it they are found and ended, whoever started them.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { waitUntil } from './wait-until.ts';

export const cgroupName = 'bitcoin-controller-local';
const mountPoint = '/sys/fs/cgroup';
const endTimeoutMs = 20_000;

/** The hierarchies of control groups: one in version 2, one a controller in version 1. */
async function hierarchies(): Promise<string[]> {
  if (existsSync(path.join(mountPoint, 'cgroup.controllers'))) return [mountPoint];
  const entries = await readdir(mountPoint, { withFileTypes: true });
  return entries.filter(entry => entry.isDirectory()).map(entry => path.join(mountPoint, entry.name));
}

/** Creates the group in every hierarchy; the kubelet wants to find it. */
export async function createCgroup(): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const group = path.join(hierarchy, cgroupName);
    await mkdir(group, { recursive: true });
    const controllers = await readFile(path.join(hierarchy, 'cgroup.controllers'), 'utf8').catch(() => '');
    for (const controller of controllers
      .trim()
      .split(' ')
      .filter(name => name !== '')) {
      for (const folder of [hierarchy, group])
        await writeFile(path.join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
    }
    // In version 1 a new cpuset is empty, and nothing can run in it.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (existsSync(path.join(group, file))) await writeFile(path.join(group, file), await readFile(path.join(hierarchy, file)));
    }
  }
}

/** Kills everything in the group and removes it. Does nothing if it is not there. */
export async function removeCgroup(): Promise<void> {
  const groups = (await hierarchies()).map(hierarchy => path.join(hierarchy, cgroupName)).filter(group => existsSync(group));
  await waitUntil('the processes of all pods to end', endTimeoutMs, async () => {
    const pids = new Set((await Promise.all(groups.map(processesBelow))).flat());
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended in between.
      }
    }
    return pids.size === 0;
  });
  for (const group of groups) {
    // A group whose last process has just been killed is busy until the kernel is done with it.
    await waitUntil(`the control group ${group} to go`, endTimeoutMs, async () => {
      await removeBelow(group);
      return true;
    });
  }
}

async function processesBelow(group: string): Promise<number[]> {
  const own = (await readFile(path.join(group, 'cgroup.procs'), 'utf8').catch(() => ''))
    .split('\n')
    .filter(line => line !== '')
    .map(Number);
  const below = await Promise.all((await subgroups(group)).map(processesBelow));
  return [...own, ...below.flat()];
}

async function removeBelow(group: string): Promise<void> {
  for (const subgroup of await subgroups(group)) await removeBelow(subgroup);
  await rmdir(group);
}

async function subgroups(group: string): Promise<string[]> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => []);
  return entries.filter(entry => entry.isDirectory()).map(entry => path.join(group, entry.name));
}
