// The control group above every pod of the one-node cluster. It is used to find and end pods, whatever started them.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { kill } from './process.ts';
import { FatalWaitError, waitUntil } from './wait-until.ts';

export const cgroupName = 'bitcoin-controller-local';
const mountPoint = '/sys/fs/cgroup';
const endTimeoutMs = 20_000;

/** The hierarchies of control groups: one in version 2, one a controller in version 1. */
async function hierarchies(): Promise<string[]> {
  if (existsSync(path.join(mountPoint, 'cgroup.controllers'))) return [mountPoint];
  const entries = await readdir(mountPoint, { withFileTypes: true });
  return entries.filter(entry => entry.isDirectory()).map(entry => path.join(mountPoint, entry.name));
}

/** Creates the group in every hierarchy; the kubelet requires it. */
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

/** Kills everything in the group and removes it. Does nothing if the group does not exist. */
export async function removeCgroup(): Promise<void> {
  const groups = (await hierarchies()).map(hierarchy => path.join(hierarchy, cgroupName)).filter(group => existsSync(group));
  await killProcessesOf(groups);
  for (const group of groups) {
    // A group whose last process has just been killed is busy until the kernel is done with it.
    await waitUntil(`the control group ${group} to go`, endTimeoutMs, async () => {
      await removeBelow(group);
      return true;
    });
  }
}

/**
 * Kills every process of these groups and of all groups below them; resolves when none is left.
 * @throws Error if one of them cannot be named from here, before any is killed
 */
export async function killProcessesOf(groups: readonly string[]): Promise<void> {
  await waitUntil('the processes of all pods to end', endTimeoutMs, async () => {
    const pids = new Set((await Promise.all(groups.map(processesBelow))).flat());
    for (const pid of pids) kill(pid, 'SIGKILL');
    return pids.size === 0;
  });
}

/** @throws FatalWaitError for a process of another process-id namespace, which reads as 0: kill(0) would end this process's own group */
async function processesBelow(group: string): Promise<number[]> {
  const lines = (await readFile(path.join(group, 'cgroup.procs'), 'utf8').catch(() => ''))
    .split('\n')
    .filter(line => line !== '');
  const own = lines.map(Number);
  if (own.some(pid => !Number.isSafeInteger(pid) || pid <= 1))
    throw new FatalWaitError(
      `The control group ${group} has processes of another process-id namespace, as of another container that shares the control groups of this machine. Please end them there`,
    );
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
