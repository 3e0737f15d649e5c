// The packet filter's rules for services. Their chains have the same names for every Kubernetes on a machine, so they are only written
// where no other Kubernetes has them, and only removed where they are for the addresses of this cluster alone.
import { run } from '../command.ts';
import { say } from '../progress.ts';
import { network } from './cluster-network.ts';

const servicesChain = 'KUBE-SERVICES';
/** Chains of a kubelet. This cluster's kubelet leaves the first behind empty, and does not write the second. */
const kubeletChains = { firewall: 'KUBE-FIREWALL', canary: 'KUBE-KUBELET-CANARY' } as const;
const tables = ['mangle', 'nat', 'filter'] as const;

/** @throws Error if this machine has the rules of another Kubernetes. To be called before the first rule is written. */
export async function refuseOtherServiceRules(iptables: string): Promise<void> {
  for (const program of bothFamilies(iptables)) {
    if (!(await rulesOf(program, 'nat')).includes(`-N ${servicesChain}`)) continue;
    throw new Error(
      `This machine already has the chain ${servicesChain}, which kube-proxy of another Kubernetes wrote: two of them overwrite each other's rules. ` +
        'Please use that cluster (npm start -- --context NAME). If it no longer runs, `kube-proxy --cleanup` or a restart of the machine removes the rules',
    );
  }
}

/** Removes the chains that kube-proxy and the kubelet of this cluster wrote. Leaves all of them if one rule is not of this cluster. */
export async function removeServiceRules(iptables: string): Promise<void> {
  const families = bothFamilies(iptables);
  for (const program of families) {
    const foreign = (await rulesOf(program, 'nat')).find(isForeign);
    if (foreign === undefined) continue;
    say(`The rules for services were kept because one of them is of another Kubernetes: ${foreign}`);
    return;
  }
  for (const program of families) for (const table of tables) await removeChains(program, table);
}

/** Whether a rule is for a service whose address is not in the range of this cluster. */
export function isForeign(rule: string): boolean {
  const [prefix = ''] = network.serviceRange.split('.0.0/');
  const address = rule.startsWith(`-A ${servicesChain} `) ? /(?<!! )-d (\S+)/.exec(rule)?.[1] : undefined;
  return address !== undefined && !address.startsWith(`${prefix}.`);
}

const bothFamilies = (iptables: string): readonly string[] => [iptables, iptables.replace(/iptables$/, 'ip6tables')];

/** The rules of a table; none if the machine has no such program or table, as without IPv6. */
async function rulesOf(program: string, table: string): Promise<readonly string[]> {
  const output = await run(program, ['--wait', '--table', table, '--list-rules']).catch(() => '');
  return output.trim().split('\n');
}

/** Removes the KUBE- chains of a table and the jumps to them in one transaction. */
async function removeChains(program: string, table: string): Promise<void> {
  const rules = await rulesOf(program, table);
  const isKept = (chain: string): boolean =>
    chain === kubeletChains.canary ||
    (chain === kubeletChains.firewall && rules.some(rule => rule.startsWith(`-A ${kubeletChains.firewall} `)));
  const chains = rules.flatMap(rule => /^-N (KUBE-\S+)$/.exec(rule)?.[1] ?? []).filter(chain => !isKept(chain));
  if (chains.length === 0) return;
  const jumps = rules.filter(rule => !rule.startsWith('-A KUBE-') && chains.some(chain => rule.endsWith(` -j ${chain}`)));
  const input = [
    `*${table}`,
    // Named like this, a chain is emptied.
    ...chains.map(chain => `:${chain} - [0:0]`),
    ...jumps.map(rule => rule.replace(/^-A/, '-D')),
    ...chains.map(chain => `-X ${chain}`),
    'COMMIT',
    '',
  ].join('\n');
  await run(`${program}-restore`, ['--wait', '--noflush'], { input });
}
