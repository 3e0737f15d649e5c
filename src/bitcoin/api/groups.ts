// Groups of nodes with settings and a StatefulSet of their own.
import * as z from 'zod';
import { int32, listMap, ordinal, type ValidationRule } from './field-types.ts';
import { nodeSettingsSchema } from './node-settings.ts';

/** The StatefulSet controller labels each pod with `NAME-sts-GROUP-<10 characters>`, and a label value has at most 63 characters. */
const maxNamesLength = 47;

const groupSchema = z
  .object({
    name: z
      .string()
      .min(1)
      .max(15)
      .meta({
        description: 'The name. The StatefulSet of the group is NETWORK-sts-NAME.',
        'x-kubernetes-validations': [
          {
            rule: "self.matches('^[a-z]([-a-z0-9]*[a-z])?$')",
            message: 'must be lower-case letters, digits and "-", starting and ending with a letter, such as old or v27-a',
          },
          { rule: "self != 'default'", message: 'must not be default, which is the name of the nodes in no group' },
          {
            // Network x with group a-sts-b, or network x-sts-a with group b: both would have the StatefulSet x-sts-a-sts-b.
            rule: "!self.matches('(^|-)sts-|sts$')",
            message:
              "must not end in sts, start with sts- or contain -sts-: NETWORK-sts-NAME could be the name of another network's StatefulSet",
          },
        ],
      }),
    nodes: int32(0, 1000).meta({ description: 'The number of nodes of the group. They count in spec.nodes.' }),
    ordinals: z
      .object({ start: ordinal().meta({ description: 'The ordinal of the first node of the group. It cannot change.' }) })
      .meta({ description: 'The ordinals of the nodes. They are unique in the network.' }),
    ...nodeSettingsSchema.shape,
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'self.ordinals.start == oldSelf.ordinals.start',
        message: 'ordinals.start of a group cannot change: its pods are named by it. Remove the group, or add another one',
        fieldPath: '.ordinals.start',
      },
    ],
  });

export const groupsSchema = z
  .array(groupSchema)
  .max(16)
  .meta({
    ...listMap('name'),
    description:
      'Groups of nodes with settings of their own, each with a StatefulSet. Nodes in no group have the settings of the network and the ordinals from 0.',
    absent: 'All nodes are in no group.',
  });

const grouped = 'self.groups.map(g, g.nodes).sum()';

/** Rules of `spec`: they compare groups with one another and with the number of nodes, also when the network is scaled. */
export const groupRules: readonly ValidationRule[] = [
  {
    rule: `!has(self.groups) || ${grouped} <= self.nodes`,
    message:
      'nodes must be at least the sum of the nodes of all groups: raise spec.nodes, or lower the nodes of a group (to stop all nodes, set spec.suspend)',
    fieldPath: '.nodes',
  },
  {
    rule: `!has(self.groups) || self.groups.all(g, g.nodes == 0 || g.ordinals.start >= self.nodes - ${grouped})`,
    message:
      'nodes in no group have the ordinals from 0: ordinals.start of each group must be at least the number of those nodes (spec.nodes without the nodes of groups)',
    fieldPath: '.groups',
  },
  {
    rule: '!has(self.groups) || self.groups.all(a, a.nodes == 0 || self.groups.all(b, a.name == b.name || b.nodes == 0 || a.ordinals.start + a.nodes <= b.ordinals.start || b.ordinals.start + b.nodes <= a.ordinals.start))',
    message: 'two groups have an ordinal in common: a group has the ordinals from ordinals.start to ordinals.start + nodes - 1',
    fieldPath: '.groups',
  },
];

/** A rule of the object: only there are its name and its groups known. */
export const groupNameRule: ValidationRule = {
  rule: `!has(self.spec.groups) || self.spec.groups.all(g, self.metadata.name.size() + g.name.size() <= ${maxNamesLength})`,
  message: `metadata.name and the name of a group must have at most ${maxNamesLength} characters together: pods are labelled with both`,
};
