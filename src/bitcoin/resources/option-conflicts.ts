// Options of bitcoind that exclude each other and meet only once the lines of a group are merged over those of its network. Pure.
import type { SpecProblem } from '../topology/topology-plan.ts';
import type { NodeSet } from './node-sets.ts';
import { optionOf } from './node-settings.ts';

/** Of these bitcoind starts with one alone. The schema refuses both in one list. */
const exclusive = ['txindex', 'prune'] as const;

/** A problem for each set whose nodes would not start. @param own the lines of the network itself */
export function optionConflicts(sets: readonly NodeSet[], own: readonly string[] = []): SpecProblem[] {
  return sets.flatMap(({ group, settings: { bitcoinConf = [] } }) => {
    const lines = exclusive.map(option => effectiveLine(bitcoinConf, option));
    if (!lines.every(line => line !== undefined)) return [];
    return [{ reason: 'OptionsExclusive', message: messageOf(group, lines, own) }];
  });
}

/** The line that sets an option, if that is on: the last one, as bitcoind has it. */
function effectiveLine(lines: readonly string[], option: string): string | undefined {
  const last = lines.findLast(line => optionOf(line) === option);
  const [key = '', value] = last?.split('=') ?? [];
  const isNegated = key !== option;
  return isNegated === (value === '0') ? last : undefined;
}

function messageOf(group: string | undefined, lines: readonly string[], own: readonly string[]): string {
  const field = group === undefined ? 'bitcoinConf' : `groups[${group}].bitcoinConf`;
  const inherited = lines.find(line => group !== undefined && own.includes(line));
  const both = `${lines.join(' and ')} exclude each other: bitcoind would not start`;
  if (inherited === undefined) return `${field}: ${both}. Remove one of them`;
  return `${field}: with ${inherited} of the network, ${both}. Add ${optionOf(inherited)}=0 to the group`;
}
