// Groups: a shape within each group, and bridges between each pair of groups. The nodes in no group are a group as well.
import { elementAt } from '../../collections/element-at.ts';
import { dialOf } from './dialling.ts';
import { fullMesh, line, ring, star } from './graph-shapes.ts';
import { randomDegree } from './random-degree.ts';
import { lowest, textHash, topologyHash } from './topology-hash.ts';
import type { Dial, Member } from './topology-plan.ts';
import type { TopologySpec } from '../api/topology.ts';

type TopologyGroups = NonNullable<TopologySpec['groups']>;

/** Of `within: Random`. */
export const defaultDegree = 3;

/** @param members in ascending order */
export function groupGraph(members: readonly Member[], spec: TopologyGroups, seed: number): Dial[] {
  const names = new Set(members.map(({ group }) => group));
  const groups = [...names].map((name): Group => [name ?? '', members.filter(({ group }) => group === name)]);
  const bridges = groups.flatMap((one, index) =>
    groups.slice(index + 1).flatMap(other => bridgesOf(one, other, spec.bridges ?? 1, seed)),
  );
  return [...groups.flatMap(([, group]) => within(group, spec, seed)), ...bridges];
}

/** A star's hub is the first node of the group. */
function within(group: readonly Member[], { within: shape = 'FullMesh', degree }: TopologyGroups, seed: number): Dial[] {
  const ordinals = group.map(({ ordinal }) => ordinal);
  switch (shape) {
    case 'FullMesh':
      return fullMesh(ordinals);
    case 'Ring':
      return ring(ordinals);
    case 'Line':
      return line(ordinals);
    case 'Star':
      return star(ordinals, elementAt(ordinals, 0));
    case 'Random':
      return randomDegree(group, degree ?? defaultDegree, seed);
  }
}

type Group = readonly [name: string, members: readonly Member[]];

/** Each on other nodes of both groups: those that the hash puts first. As many as the smaller group has nodes, at most. */
function bridgesOf([oneName, one]: Group, [otherName, other]: Group, count: number, seed: number): Dial[] {
  const size = Math.min(count, one.length, other.length);
  const ends = (group: readonly Member[], peer: string) => {
    const salt = textHash(peer);
    return lowest(group, size, ({ ordinal }) => topologyHash(seed, salt, ordinal));
  };
  const others = ends(other, oneName);
  return ends(one, otherName).map(({ ordinal }, index) => dialOf(ordinal, elementAt(others, index).ordinal));
}
