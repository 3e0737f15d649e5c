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

const forwardingFile = '/proc/sys/net/ipv4/ip_forward';
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
 * @param stateFolder keeps the machine's former setting for forwarding.
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
  const forwarding = (await readFile(forwardingFile, 'utf8')).trim();
  await writeFile(path.join(stateFolder, 'ip-forward-before'), forwarding);
  if (forwarding !== '1') await writeFile(forwardingFile, '1');
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
  const forwarding = await readFile(path.join(stateFolder, 'ip-forward-before'), 'utf8').catch(() => undefined);
  if (forwarding !== undefined && forwarding !== '1') await writeFile(forwardingFile, forwarding);
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
