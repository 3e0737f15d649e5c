// Persistent volumes of nodes. What a claim that exists has cannot change, so neither can the fields that it is made of.
import { z } from 'zod';
import { objectName, type ValidationRule } from './field-types.ts';

const retention = (what: string) =>
  z
    .enum(['Retain', 'Delete'])
    .exactOptional()
    .meta({ description: `What becomes of a volume when ${what}. Suspending keeps all volumes.`, absent: 'Retain.' });

export const storageSchema = z
  .object({
    size: z
      .string()
      .min(1)
      .max(16)
      .meta({
        description: 'The size of the volume of each node, such as 10Gi. It cannot change.',
        'x-kubernetes-validations': [
          {
            rule: "self.matches('^[1-9][0-9]*([KMGTPE]i|[kMGTPE])?$')",
            message: 'must be a whole number of bytes from 1, or of a unit such as 500Mi or 10Gi',
          },
        ],
      }),
    storageClassName: z.string().max(253).exactOptional().meta({
      description: 'The StorageClass. Empty: only volumes that have none. It cannot change.',
      absent: 'The default of the cluster.',
    }),
    accessMode: z
      .enum(['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany'])
      .exactOptional()
      .meta({ description: 'The access mode of the claims. It cannot change.', absent: 'ReadWriteOnce.' }),
    dataSource: z
      .object({
        kind: z.enum(['VolumeSnapshot', 'PersistentVolumeClaim']).meta({ description: 'The kind of the source.' }),
        name: objectName().meta({ description: 'The name of the source, in the namespace of the network.' }),
      })
      .exactOptional()
      .meta({
        description:
          'What each new volume is a copy of, as a backup of the same chain. The storage driver has to support it. It cannot change.',
        absent: 'New volumes are empty.',
      }),
    retention: z
      .object({
        whenDeleted: retention('the network or the group is deleted'),
        whenScaled: retention('its node is removed, since the network has fewer nodes'),
      })
      .exactOptional()
      .meta({ description: 'Which volumes are deleted.', absent: 'All are kept.' }),
  })
  .meta({
    description:
      'A persistent volume for each node, from the PersistentVolumeClaim data-POD. It can be added to a suspended network, and not be removed. In a group it replaces that of the network as a whole.',
    absent: 'Ephemeral: a node loses its blocks with its pod, and gets them from other nodes.',
  });

type Of = (storage: string) => string;

/** A value of the storage that a set has: its own, or else that of the network. */
const valueOf = (owner: string, spec: string, of: Of): string =>
  `(has(${owner}.storage) ? ${of(`${owner}.storage`)} : ${owner === spec ? "''" : `has(${spec}.storage) ? ${of(`${spec}.storage`)} : ''`})`;

/** A rule for the nodes in no group, and one for each group that exists already. */
function changeRules(of: Of, isAllowed: (before: string, after: string) => string, message: string): ValidationRule[] {
  const inNoGroup = isAllowed(valueOf('oldSelf', 'oldSelf', of), valueOf('self', 'self', of));
  const inGroup = isAllowed(valueOf('o', 'oldSelf', of), valueOf('g', 'self', of));
  const groups = `!has(self.groups) || !has(oldSelf.groups) || self.groups.all(g, oldSelf.groups.all(o, o.name != g.name || ${inGroup}))`;
  return [
    { rule: inNoGroup, message, fieldPath: '.storage' },
    { rule: groups, message: `${message} (the storage of a group)`, fieldPath: '.groups' },
  ];
}

const isThere: Of = () => "'yes'";
const sizeOf: Of = storage => `${storage}.size`;
const othersOf: Of = storage =>
  [
    `(has(${storage}.storageClassName) ? '=' + ${storage}.storageClassName : '')`,
    `(has(${storage}.accessMode) ? ${storage}.accessMode : 'ReadWriteOnce')`,
    `(has(${storage}.dataSource) ? ${storage}.dataSource.kind + '/' + ${storage}.dataSource.name : '')`,
  ].join(" + ' ' + ");
const isKept = (before: string, after: string): string => `(${before} == '' || ${after} == '' || ${before} == ${after})`;

/** Rules of `spec`: a rule of the field itself would not hold if the field is removed or added. */
export const storageRules: readonly ValidationRule[] = [
  ...changeRules(
    isThere,
    (before, after) => `(${before} == '' || ${after} != '')`,
    'storage cannot be removed: the volumes have the blocks of the nodes. Create a new network, or a group of one without storage',
  ),
  ...changeRules(
    isThere,
    (before, after) => `(${before} != '' || ${after} == '' || (has(self.suspend) && self.suspend))`,
    'storage can only be added while the network is suspended (spec.suspend: true): its nodes lose the blocks that they have in their pods. To keep the blocks, add a group with storage instead, and lower the number of the other nodes when it has them',
  ),
  ...changeRules(
    sizeOf,
    isKept,
    'storage.size cannot change. To enlarge volumes, change the PersistentVolumeClaims data-POD themselves (kubectl patch pvc); for another size of new ones, add a group',
  ),
  ...changeRules(
    othersOf,
    isKept,
    'storageClassName, accessMode and dataSource of storage cannot change: the volumes exist. Add a group with other ones, and lower the number of the other nodes when it has their blocks',
  ),
];

export type StorageSpec = z.infer<typeof storageSchema>;
