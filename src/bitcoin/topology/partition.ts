// The parts of a cut network, and what is left of its connections. Pure.
import { type PartitionSpec, restPart } from '../api/partition.ts';
import type { Member, SpecProblem, TopologyPlan } from './topology-plan.ts';
import { rangesOf } from './topology-problems.ts';

export interface Part {
  readonly name: string;
  /** Ascending. */
  readonly ordinals: readonly number[];
}

export interface PartitionPlan {
  /** Those that have nodes, in the order of the spec; the nodes in no part come last. */
  readonly parts: readonly Part[];
  readonly partOf: ReadonlyMap<number, Part>;
  /** The part whose nodes keep their external peers. Undefined: none. */
  readonly outside?: Part | undefined;
  readonly problems: readonly SpecProblem[];
}

/** The name of a part of one node that a step of an experiment cuts off from the others. No name of a part in a spec has a dot. */
export const cutOffPart = (step: 'isolated' | 'reorg', ordinal: number): string => `${step}.${ordinal}`;
const isCutOff = (name: string): boolean => name.includes('.');

/** The name by which a part names the nodes in no group. */
const noGroup = 'default';

/**
 * The parts of the members. A node that two parts name is in the first of them. What there is not is left out, and reported as a problem.
 * @returns undefined for a partition without parts
 */
export function planPartition({ parts }: PartitionSpec, members: readonly Member[]): PartitionPlan | undefined {
  if (parts.length === 0) return undefined;
  const ordinals = members.map(({ ordinal }) => ordinal).sort((a, b) => a - b);
  const existing = new Set(ordinals);
  const groups = new Set(members.map(({ group = noGroup }) => group));
  const nameOf = new Map<number, string>();
  const problems: SpecProblem[] = [];
  for (const { name, ordinals: named = [], groups: namedGroups = [] } of parts) {
    const field = `partition.parts[${name}]`;
    // A network without nodes has no problem with them.
    const unknown = existing.size === 0 ? [] : named.filter(ordinal => !existing.has(ordinal));
    problems.push(
      ...unknown.map((ordinal): SpecProblem => ({
        reason: 'OrdinalUnknown',
        message: `${field}.ordinals: there is no node ${ordinal} (nodes: ${rangesOf(ordinals)})`,
      })),
      ...namedGroups
        .filter(group => existing.size > 0 && !groups.has(group))
        .map((group): SpecProblem => ({
          reason: 'GroupUnknown',
          message: `${field}.groups: there is no group ${group} with nodes (groups: ${[...groups].join(', ')})`,
        })),
    );
    const own = new Set([
      ...named.filter(ordinal => existing.has(ordinal)),
      ...members.filter(({ group = noGroup }) => namedGroups.includes(group)).map(({ ordinal }) => ordinal),
    ]);
    const doubled = [...own].filter(ordinal => nameOf.has(ordinal)).sort((a, b) => a - b);
    if (doubled.length > 0) problems.push(overlap(field, doubled, nameOf));
    for (const ordinal of own) if (!nameOf.has(ordinal)) nameOf.set(ordinal, name);
  }
  const plan = partsIn([...parts.map(({ name }) => name), restPart], ordinals, nameOf);
  return { ...plan, outside: outsidePart(plan.parts, parts, members), problems };
}

/**
 * The first part. A peer of two parts would hand blocks from one to the other, so it is in one as well. Nodes that are cut off have no external
 * peers, and the others keep theirs: it is the part that would be the first without the nodes that are cut off, also if all of its nodes are.
 */
function outsidePart(parts: readonly Part[], named: PartitionSpec['parts'], members: readonly Member[]): Part | undefined {
  const lasting = named.filter(({ name }) => !isCutOff(name));
  if (lasting.length === named.length) return parts[0];
  const first = planPartition({ parts: lasting }, members)?.outside?.name ?? restPart;
  return parts.find(({ name }) => name === first);
}

/** A part for each node. */
export function apart(ordinals: readonly number[]): PartitionPlan {
  const parts = ordinals.map((ordinal): Part => ({ name: String(ordinal), ordinals: [ordinal] }));
  return { parts, partOf: new Map(parts.map((part, index) => [ordinals[index] ?? 0, part])), problems: [] };
}

function overlap(field: string, ordinals: readonly number[], nameOf: ReadonlyMap<number, string>): SpecProblem {
  const others = [...new Set(ordinals.map(ordinal => nameOf.get(ordinal) ?? ''))].join(', ');
  const nodes = `${ordinals.length === 1 ? 'node' : 'nodes'} ${rangesOf(ordinals)}`;
  return {
    reason: 'PartsOverlap',
    message: `${field}: ${nodes} ${ordinals.length === 1 ? 'is' : 'are'} also in part ${others}, which comes first`,
  };
}

function partsIn(names: readonly string[], ordinals: readonly number[], nameOf: ReadonlyMap<number, string>) {
  const parts = names
    .map(name => ({ name, ordinals: ordinals.filter(ordinal => (nameOf.get(ordinal) ?? restPart) === name) }))
    .filter(part => part.ordinals.length > 0);
  return { parts, partOf: new Map(parts.flatMap(part => part.ordinals.map(ordinal => [ordinal, part] as const))) };
}

/** The edges within the parts. */
export function withinParts(topology: TopologyPlan, { partOf }: PartitionPlan): TopologyPlan {
  return { ...topology, edges: topology.edges.filter(({ from, to }) => partOf.get(from) === partOf.get(to)) };
}

/** The external peers that nodes keep. */
export function externalPeersWithin<T>(externalPeers: ReadonlyMap<number, T>, { outside }: PartitionPlan): Map<number, T> {
  return new Map([...externalPeers].filter(([ordinal]) => outside?.ordinals.includes(ordinal)));
}
