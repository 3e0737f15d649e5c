// The blocks that the controller lets the nodes of a network make.
import * as z from 'zod';
import { int32, listMap, ordinal, type ValidationRule } from './field-types.ts';

const producerSchema = z.object({
  ordinal: ordinal().meta({ description: 'The ordinal of the node.' }),
  weight: int32(1, 1000).exactOptional().meta({
    description: "The node's share of the hash power, relative to the weights of the others. Only with selection Random.",
    absent: '1.',
  }),
});

const base58 = '[1-9A-HJ-NP-Za-km-z]';
const [start, end] = ['(^|[^0-9A-Za-z])', '($|[^0-9A-Za-z])'];
/**
 * An extended private key, or a key in the wallet import format, of test chains or main: no address and no public key has its first letter and
 * its length.
 */
const privateKey = `${start}([xt]prv|([cKL]${base58}{51}|[59]${base58}{50})${end})`;

export const blockProductionSchema = z
  .object({
    intervalSeconds: int32(1, 86_400).exactOptional().meta({
      description: 'The time between two blocks; with distribution Exponential, its mean.',
      absent: 'Only the initial blocks.',
    }),
    distribution: z.enum(['Fixed', 'Exponential']).exactOptional().meta({
      description: 'How the times between blocks are distributed. Exponential is as on a real network.',
      absent: 'Fixed.',
    }),
    initialBlocks: int32(0, 100_000).exactOptional().meta({
      description: 'The height up to which blocks are made at once. From 101 on, the coins of the first block can be spent.',
      absent: '0.',
    }),
    selection: z
      .enum(['RoundRobin', 'Random'])
      .exactOptional()
      .meta({ description: 'Which producer makes a block: one after another, or at random by weight.', absent: 'RoundRobin.' }),
    producers: z
      .array(producerSchema)
      .min(1)
      .max(100)
      .exactOptional()
      .meta({ ...listMap('ordinal'), description: 'The nodes that make blocks.', absent: 'All nodes.' }),
    payTo: z
      .string()
      .min(4)
      .max(512)
      .exactOptional()
      .meta({
        description:
          'An output descriptor that the rewards are paid to, such as addr(bcrt1q...). With it, two parts of a cut network that make a block in the same second make the same block.',
        absent: 'A script of each node, which anybody can spend.',
        'x-kubernetes-validations': [
          {
            rule: "self.matches('^[a-z]+[(][ -~]+[)](#[a-z0-9]{8})?$')",
            message: 'must be an output descriptor, such as addr(bcrt1q...) or wpkh(tpub...)',
          },
          {
            rule: `!self.matches('${privateKey}')`,
            message: 'must not have a private key: everybody who may read the network could read it. Use the public key',
          },
        ],
      }),
    seed: int32(0, 2_147_483_647)
      .exactOptional()
      .meta({ description: 'Selects the random intervals and producers. The same seed gives the same ones.', absent: '0.' }),
    paused: z.boolean().exactOptional().meta({ description: 'Whether no blocks are made for now.', absent: 'false.' }),
  })
  .meta({
    description: 'Blocks that the controller lets nodes make. Only on regtest, and on a signet with the challenge 51.',
    absent: 'The controller makes no blocks.',
    'x-kubernetes-validations': [
      {
        rule: 'has(self.intervalSeconds) || has(self.initialBlocks)',
        message: 'must have intervalSeconds (blocks as time goes by), initialBlocks (blocks at once) or both',
      },
      {
        rule: '!has(self.distribution) || has(self.intervalSeconds)',
        message: 'distribution needs intervalSeconds: it says how the times between blocks are distributed',
        fieldPath: '.distribution',
      },
      {
        rule: "!has(self.producers) || (has(self.selection) && self.selection == 'Random') || self.producers.all(p, !has(p.weight))",
        message: 'weight is only allowed with selection: Random',
        fieldPath: '.producers',
      },
    ],
  });

/** Rules of `spec`: they depend on the chain. */
export const blockProductionRules: readonly ValidationRule[] = [
  {
    rule: "!has(self.blockProduction) || !has(self.chain) || self.chain == 'regtest' || (self.chain == 'signet' && has(self.signet) && has(self.signet.challenge))",
    message: 'blocks can be produced only on regtest and on a signet with a challenge of your own',
    fieldPath: '.blockProduction',
  },
  {
    rule: "!has(self.blockProduction) || !has(self.signet) || !has(self.signet.challenge) || self.signet.challenge == '51'",
    message:
      'blocks of a signet can be produced only with signet.challenge 51: other challenges need a signature, which the controller cannot make',
    fieldPath: '.blockProduction',
  },
];

export type BlockProductionSpec = z.infer<typeof blockProductionSchema>;
