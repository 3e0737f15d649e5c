// Persistent volumes of nodes. Of what a claim is made of only its size can change, and only grow: so it is with these fields.
import * as z from 'zod';
import { objectName, type ValidationRule } from './field-types.ts';

const retention = (what: string) =>
  z
    .enum(['Retain', 'Delete'])
    .exactOptional()
    .meta({ description: `What becomes of a volume when ${what}.`, absent: 'Retain.' });

export const storageSchema = z
  .object({
    size: z
      .string()
      .min(1)
      .max(16)
      .meta({
        description: 'The size, such as 10Gi. It can grow, if the StorageClass allows it, and not shrink.',
        'x-kubernetes-validations': [
          {
            rule: "self.matches('^[1-9][0-9]*([KMGTPE]i|[kMGTPE])?$')",
            message: 'must be a whole number of bytes from 1, or of a unit such as 500Mi or 10Gi',
          },
        ],
      }),
    storageClassName: z.string().max(253).exactOptional().meta({
      description: 'The StorageClass. Empty: only volumes that have none.',
      absent: 'The default of the cluster.',
    }),
    accessMode: z
      .enum(['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany'])
      .exactOptional()
      .meta({ description: 'The access mode of the claims.', absent: 'ReadWriteOnce.' }),
    dataSource: z
      .object({
        kind: z.enum(['VolumeSnapshot', 'PersistentVolumeClaim']).meta({ description: 'The kind of the source.' }),
        name: objectName().meta({ description: 'The name of the source.' }),
      })
      .exactOptional()
      .meta({
        description: 'What new volumes are copies of, if the storage driver supports it.',
        absent: 'They are empty.',
      }),
    retention: z
      .object({
        whenDeleted: retention('the network or the group is deleted'),
        whenScaled: retention('the network has fewer nodes'),
      })
      .exactOptional()
      .meta({ description: 'Which volumes are deleted.', absent: 'All are kept.' }),
  })
  .meta({
    description:
      'A persistent volume for each node (claim data-POD). It can be added while the network is suspended, and not be removed. Only size (larger) and retention can change. In a group it replaces that of the network.',
    absent: 'Ephemeral: a node loses its blocks with its pod.',
  });

/** What of the claims of a storage cannot change, as a text. */
const claimOf = (s: string): string =>
  `(has(${s}.storageClassName) ? '/' + ${s}.storageClassName : '') + (has(${s}.accessMode) ? ${s}.accessMode : 'ReadWriteOnce') + (has(${s}.dataSource) ? ${s}.dataSource.kind + ${s}.dataSource.name : '')`;

/** The same of a spec; empty without storage. */
const claimsOf = (spec: string): string => `has(${spec}.storage) ? ${claimOf(`${spec}.storage`)} : ''`;
const claimsOfGroup = (group: string, spec: string): string =>
  `has(${group}.storage) ? ${claimOf(`${group}.storage`)} : ${claimsOf(spec)}`;

const isStored = (group: string, spec: string): string => `(has(${group}.storage) || has(${spec}.storage))`;
const sizeOfGroup = (group: string, spec: string): string =>
  `has(${group}.storage) ? ${group}.storage.size : ${spec}.storage.size`;
const isSuspended = '(has(self.suspend) && self.suspend)';

/** Rules of `spec`: a rule of the field itself would not hold if the field is removed or added. */
export const storageRules: readonly ValidationRule[] = [
  {
    rule: '!has(oldSelf.storage) || has(self.storage)',
    message: 'storage cannot be removed: the volumes have the blocks. Create a new network',
    fieldPath: '.storage',
  },
  {
    rule: `has(oldSelf.storage) || !has(self.storage) || ${isSuspended}`,
    message:
      'storage can only be added while the network is suspended (spec.suspend: true), which loses the blocks in its pods. To keep them, add a group with storage',
    fieldPath: '.storage',
  },
  {
    rule: `!has(oldSelf.storage) || !has(self.storage) || ${claimOf('oldSelf.storage')} == ${claimOf('self.storage')}`,
    message: 'storageClassName, accessMode and dataSource of storage cannot change. For other volumes, add a group',
    fieldPath: '.storage',
  },
  {
    rule: '!has(oldSelf.storage) || !has(self.storage) || quantity(self.storage.size).compareTo(quantity(oldSelf.storage.size)) >= 0',
    message: 'storage.size cannot shrink: a volume can only grow. For smaller volumes, add a group',
    fieldPath: '.storage.size',
  },
  {
    rule: `!has(self.groups) || !has(oldSelf.groups) || self.groups.all(g, oldSelf.groups.all(o, o.name != g.name || (${isStored('o', 'oldSelf')} ? (${claimsOfGroup('o', 'oldSelf')}) == (${claimsOfGroup('g', 'self')}) : (!${isStored('g', 'self')} || ${isSuspended}))))`,
    message:
      'storage of the nodes of a group cannot change in another field than size or be removed, and only be added while the network is suspended: add another group',
    fieldPath: '.groups',
  },
  {
    rule: `!has(self.groups) || !has(oldSelf.groups) || self.groups.all(g, oldSelf.groups.all(o, o.name != g.name || !${isStored('o', 'oldSelf')} || !${isStored('g', 'self')} || quantity(${sizeOfGroup('g', 'self')}).compareTo(quantity(${sizeOfGroup('o', 'oldSelf')})) >= 0))`,
    message: 'the volumes of a group cannot shrink: storage.size can only grow. For smaller volumes, add another group',
    fieldPath: '.groups',
  },
];

export type StorageSpec = z.infer<typeof storageSchema>;
