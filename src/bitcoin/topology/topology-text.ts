// A topology in words, for status and events. Pure.
import type { TopologySpec } from '../api/topology.ts';
import { defaultDegree } from './group-graph.ts';
import { textHash } from './topology-hash.ts';

/** Such as `Random (degree 3, seed 7)`. Two specs that plan the same have the same text, and those that plan otherwise have another one: after ten given edges by a hash of all. */
export function describeTopology({ type, seed = 0, random, star, tree, groups, edges }: TopologySpec): string {
  const seeded = `seed ${seed}`;
  const details: Record<TopologySpec['type'], readonly string[]> = {
    FullMesh: [],
    Ring: [],
    Line: [],
    None: [],
    Star: [`hub ${star?.hub ?? 0}`],
    Tree: [`arity ${tree?.arity ?? 2}`],
    Random: [random?.degree === undefined ? `outbound ${random?.outbound ?? 0}` : `degree ${random.degree}`, seeded],
    Groups: [
      `within ${groups?.within ?? 'FullMesh'}`,
      ...(groups?.within === 'Random' ? [`degree ${groups.degree ?? defaultDegree}`] : []),
      `bridges ${groups?.bridges ?? 1}`,
      seeded,
    ],
    Edges: edgeTexts(edges ?? []),
  };
  const shown = details[type];
  return shown.length === 0 ? type : `${type} (${shown.join(', ')})`;
}

/** More would make a message hard to read. */
const maxEdges = 10;

function edgeTexts(edges: readonly { readonly from: number; readonly to: number }[]): string[] {
  const texts = edges.map(({ from, to }) => `${from}-${to}`);
  const others = texts.length - maxEdges;
  return others > 0 ? [...texts.slice(0, maxEdges), `and ${others} more, hash ${textHash(texts.join()).toString(36)}`] : texts;
}
