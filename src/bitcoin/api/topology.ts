// Which nodes are connected.
import * as z from 'zod';
import { int32, listAtomic, ordinal, type ValidationRule } from './field-types.ts';

const maxFullMesh = 100;
const onlyWith = (field: string, type: string): ValidationRule => ({
  rule: `!has(self.${field}) || self.type == '${type}'`,
  message: `${field} is only allowed with type ${type}`,
  fieldPath: `.${field}`,
});
const exactlyWith = (field: string, type: string): ValidationRule => ({
  rule: `has(self.${field}) == (self.type == '${type}')`,
  message: `${field} is required with type ${type}, and only allowed with it`,
  fieldPath: `.${field}`,
});

const randomSchema = z
  .object({
    degree: int32(2, 64).exactOptional().meta({
      description: 'The number of edges of each node. With fewer other nodes, every two nodes are connected.',
      absent: 'outbound is given.',
    }),
    outbound: int32(1, 8).exactOptional().meta({
      description: 'The number of edges that each node opens. On a public chain bitcoind opens 8.',
      absent: 'degree is given.',
    }),
  })
  .meta({
    description: 'A random graph. Required with type Random.',
    absent: 'The type is another one.',
    'x-kubernetes-validations': [
      {
        rule: 'has(self.degree) != has(self.outbound)',
        message: 'must have either degree (the edges of a node) or outbound (the edges that a node opens)',
      },
    ],
  });

const topologyGroupsSchema = z
  .object({
    within: z
      .enum(['FullMesh', 'Ring', 'Line', 'Star', 'Random'])
      .exactOptional()
      .meta({ description: 'How the nodes of one group are connected.', absent: 'FullMesh.' }),
    degree: int32(2, 64).exactOptional().meta({
      description: 'The number of edges of each node within its group, with within Random.',
      absent: '3, with within Random.',
    }),
    bridges: int32(1, 64)
      .exactOptional()
      .meta({ description: 'The number of edges between each two groups, on different nodes as far as possible.', absent: '1.' }),
  })
  .meta({
    description: 'Groups of nodes that are joined by few edges. Nodes in no group are one more group.',
    absent: 'With type Groups: a full mesh in each group, and one bridge between each two.',
    'x-kubernetes-validations': [
      {
        rule: "!has(self.degree) || (has(self.within) && self.within == 'Random')",
        message: 'degree is only allowed with within: Random',
        fieldPath: '.degree',
      },
    ],
  });

const edgeSchema = z
  .object({
    from: ordinal().meta({ description: 'The ordinal of the node that opens the connection.' }),
    to: ordinal().meta({ description: 'The ordinal of the other node.' }),
  })
  .meta({
    'x-kubernetes-validations': [
      { rule: 'self.from != self.to', message: 'must join two different nodes: from and to are the same ordinal' },
    ],
  });

export const topologySchema = z
  .object({
    type: z.enum(['FullMesh', 'Ring', 'Line', 'Star', 'Tree', 'Random', 'Groups', 'Edges', 'None']).meta({
      description:
        'The form of the graph. FullMesh: every two nodes, of at most 100. Ring. Line. Star: every node with the hub. Tree: every node with its parent. Random: a random graph. Groups: parts that few edges join. Edges: the given edges. None: no edge.',
    }),
    seed: int32(0, 2_147_483_647)
      .exactOptional()
      .meta({ description: 'Selects one of the random graphs. The same seed gives the same graph.', absent: '0.' }),
    star: z
      .object({ hub: ordinal().meta({ description: 'The ordinal of the node in the centre.' }) })
      .exactOptional()
      .meta({ description: 'The form of a star.', absent: 'With type Star: hub 0.' }),
    tree: z
      .object({ arity: int32(2, 64).meta({ description: 'The number of children of a node.' }) })
      .exactOptional()
      .meta({ description: 'The form of a tree.', absent: 'With type Tree: arity 2.' }),
    random: randomSchema.exactOptional(),
    groups: topologyGroupsSchema.exactOptional(),
    // Atomic: as a map of two keys, 5,000 edges would take 300 KiB of managedFields, and a second of the API server at each write.
    edges: z
      .array(edgeSchema)
      .max(5000)
      .exactOptional()
      .meta({
        ...listAtomic,
        description: 'The edges, at most one for each two nodes. Required with type Edges.',
        absent: 'The type is another one.',
      }),
  })
  .meta({
    description:
      'Which nodes are connected, with one connection for each edge. Changes apply to running nodes: only edges that differ are opened or closed.',
    absent: 'Every two nodes are connected, each of them dials the other, and the pair has two connections.',
    'x-kubernetes-validations': [
      exactlyWith('random', 'Random'),
      exactlyWith('edges', 'Edges'),
      onlyWith('star', 'Star'),
      onlyWith('tree', 'Tree'),
      onlyWith('groups', 'Groups'),
      {
        rule: "!has(self.seed) || self.type in ['Random', 'Groups']",
        message: 'seed is only allowed with type Random or Groups',
        fieldPath: '.seed',
      },
    ],
  });

const isMeshOfGroups =
  "self.topology.type == 'Groups' && (!has(self.topology.groups) || !has(self.topology.groups.within) || self.topology.groups.within == 'FullMesh')";

/** Rules of `spec`: they depend on the number of nodes, also when the network is scaled. */
export const topologyRules: readonly ValidationRule[] = [
  {
    rule: `!has(self.topology) || self.topology.type != 'FullMesh' || self.nodes <= ${maxFullMesh}`,
    message: `a full mesh has at most ${maxFullMesh} nodes (4,950 edges): use type Random or Groups, or lower spec.nodes`,
    fieldPath: '.topology',
  },
  {
    rule: `!has(self.topology) || !(${isMeshOfGroups}) || (has(self.groups) ? self.groups.all(g, g.nodes <= ${maxFullMesh}) && self.nodes - self.groups.map(g, g.nodes).sum() <= ${maxFullMesh} : self.nodes <= ${maxFullMesh})`,
    message: `a full mesh within a group has at most ${maxFullMesh} nodes: set topology.groups.within to Random, or use smaller groups (nodes in no group are one group)`,
    fieldPath: '.topology',
  },
];

export type TopologySpec = z.infer<typeof topologySchema>;
