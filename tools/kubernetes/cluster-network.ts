// The network of the one-node cluster: a bridge with the addresses of the node and of every pod. No packet of it leaves the machine.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CommandFailedError, run } from '../command.ts';

export const network = {
  bridge: 'btc-controller0',
  podRange: '10.244.0.0/16',
  nodeAddress: '10.244.0.1',
  /** Pods get addresses from here on. */
  firstPodAddress: '10.244.0.10',
  lastPodAddress: '10.244.255.250',
  serviceRange: '10.96.0.0/16',
  dnsAddress: '10.96.0.10',
} as const;

/** The machine's settings that the cluster needs: at least `wanted`. `state` names the file that keeps the former value. */
const forwarding = { file: '/proc/sys/net/ipv4/ip_forward', state: 'ip-forward-before', wanted: 1 };
/**
 * All pods share one table of neighbours, with an entry for each address that each of them talks to. The kernel's limit of 1,024 is that of 60
 * nodes with 16 peers each: beyond it, connections wait for a place. There is no such setting where this machine is a container itself.
 */
const neighbours = [1, 2, 3].map(level => ({
  file: `/proc/sys/net/ipv4/neigh/default/gc_thresh${level}`,
  state: `neighbours-${level}-before`,
  wanted: 16_384,
}));
/** The rules for the machine's packet filter; the comment names their owner. */
const rules = [
  // Between pods: with bridge-nf-call-iptables they pass through this chain, whose policy may be to drop.
  ['FORWARD', '--in-interface', network.bridge, '--out-interface', network.bridge, '--jump', 'ACCEPT'],
  // To anywhere else: no pod needs a host outside this machine, and its address means nothing there.
  ['FORWARD', '--in-interface', network.bridge, '!', '--out-interface', network.bridge, '--jump', 'REJECT'],
].map(rule => [...rule, '--match', 'comment', '--comment', 'bitcoin-controller local cluster']);

export interface NetworkPrograms {
  ip: string;
  iptables: string;
}

/**
 * Creates the bridge and routes both ranges into it. To be called before anything connects to an address of them: a packet to an
 * address that this machine does not own would leave it.
 * @param stateFolder keeps the machine's former settings.
 * @throws Error if this machine already has a route to one of the ranges
 */
export async function createNetwork(programs: NetworkPrograms, stateFolder: string): Promise<void> {
  const { ip, iptables } = programs;
  await refuseConflicts(ip);
  await run(ip, ['link', 'add', network.bridge, 'type', 'bridge']);
  await run(ip, ['addr', 'add', `${network.nodeAddress}/16`, 'dev', network.bridge]);
  await run(ip, ['link', 'set', network.bridge, 'up']);
  await run(ip, ['route', 'add', network.serviceRange, 'dev', network.bridge]);
  for (const [index, rule] of rules.entries()) {
    const [chain = '', ...match] = rule;
    await run(iptables, ['--wait', '--insert', chain, String(index + 1), ...match]);
  }
  await raise(forwarding, stateFolder);
  // From the highest: each may be at most the next one.
  for (const setting of neighbours.toReversed()) await raise(setting, stateFolder).catch(() => undefined);
}

async function raise({ file, state, wanted }: typeof forwarding, stateFolder: string): Promise<void> {
  const before = (await readFile(file, 'utf8')).trim();
  await writeFile(path.join(stateFolder, state), before);
  if (Number(before) < wanted) await writeFile(file, `${wanted}`);
}

async function restore({ file, state, wanted }: typeof forwarding, stateFolder: string): Promise<void> {
  const before = await readFile(path.join(stateFolder, state), 'utf8').catch(() => undefined);
  if (before !== undefined && Number(before) < wanted) await writeFile(file, before);
}

/** Removes whatever exists of the network. */
export async function removeNetwork(programs: NetworkPrograms, stateFolder: string): Promise<void> {
  const { ip, iptables } = programs;
  for (const rule of rules) {
    // There are several if an earlier run was killed between the rule and the bridge.
    while (await succeeds(iptables, ['--wait', '--delete', ...rule])) continue;
  }
  // Deletes its routes too.
  if (await networkExists(ip)) await run(ip, ['link', 'delete', network.bridge]);
  await restore(forwarding, stateFolder);
  for (const setting of neighbours) await restore(setting, stateFolder).catch(() => undefined);
}

export async function networkExists(ip: string): Promise<boolean> {
  return await succeeds(ip, ['link', 'show', network.bridge]);
}

/** @throws Error if this machine already has a route to one of the ranges: there would be two ways to an address. */
async function refuseConflicts(ip: string): Promise<void> {
  const routes = JSON.parse(await run(ip, ['-json', '-4', 'route', 'show', 'table', 'all'])) as { dst: string; dev?: string }[];
  const prefixes = [network.podRange, network.serviceRange].map(range => range.split('.').slice(0, 2).join('.') + '.');
  const taken = routes.find(({ dst }) => prefixes.some(prefix => dst.startsWith(prefix)));
  if (taken === undefined) return;
  throw new Error(
    `This machine already has a route to ${taken.dst}${taken.dev === undefined ? '' : ` (device ${taken.dev})`}, and the local cluster needs ${network.podRange} and ${network.serviceRange}. ` +
      'Please remove what uses it (another Kubernetes?), or use that cluster: npm start -- --context NAME',
  );
}

async function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(file, args);
    return true;
  } catch (error) {
    if (error instanceof CommandFailedError) return false;
    throw error;
  }
}
