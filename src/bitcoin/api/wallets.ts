// The wallets that the controller keeps on nodes.
import * as z from 'zod';
import { int32, listMap, listSet, ordinal, type ValidationRule } from './field-types.ts';

const walletSchema = z.object({
  name: z
    .string()
    .min(1)
    .max(64)
    .meta({
      description: 'The name of the wallet.',
      'x-kubernetes-validations': [
        {
          rule: "self.matches('^[a-zA-Z0-9][-_a-zA-Z0-9]*$')",
          message: 'must be letters, digits, "-" and "_", starting with a letter or a digit, such as miner',
        },
      ],
    }),
  ordinals: z
    .array(ordinal())
    .min(1)
    .max(1000)
    .exactOptional()
    .meta({
      ...listSet,
      description: 'The nodes that have a wallet of that name, by ordinal. Each has keys of its own.',
      absent: 'Node 0.',
    }),
  blocks: int32(0, 1000).exactOptional().meta({
    description:
      'How many of blockProduction.initialBlocks pay to the wallet, to that of the first of its nodes that exists. Wallets are paid one after another, from the first block that the controller makes.',
    absent: '0.',
  }),
});

export const walletsSchema = z
  .array(walletSchema)
  .max(16)
  .meta({
    ...listMap('name'),
    description: 'Wallets that nodes have: they are created if they are missing, and loaded at each start of the node.',
    absent: 'The controller creates no wallets.',
  });

const copiedBlocks = '(has(self.bootstrap) && has(self.bootstrap.height) ? self.bootstrap.height : 0)';

/** Rules of `spec`. */
export const walletRules: readonly ValidationRule[] = [
  {
    rule: `!has(self.wallets) || self.wallets.all(w, !has(w.blocks) || w.blocks == 0) || (has(self.blockProduction) && has(self.blockProduction.initialBlocks) && self.wallets.map(w, has(w.blocks) ? w.blocks : 0).sum() + ${copiedBlocks} <= self.blockProduction.initialBlocks)`,
    message:
      'blocks of wallets are some of the initial blocks: blockProduction.initialBlocks must be at least their sum, with the blocks up to bootstrap.height',
    fieldPath: '.wallets',
  },
];

export type WalletSpec = z.infer<typeof walletSchema>;
