// The chain of a network, and the discovery of peers outside of it.
import * as z from 'zod';
import { int32, type ValidationRule } from './field-types.ts';

export const chainSchema = z.enum(['main', 'testnet4', 'signet', 'regtest']).meta({
  description: "The chain, in bitcoind's spelling. It cannot change.",
  absent: 'regtest.',
});

export const signetSchema = z
  .object({
    challenge: z
      .string()
      .min(2)
      .max(2000)
      .exactOptional()
      .meta({
        description:
          'The script that each block of a signet of your own must satisfy, in hexadecimal (signetchallenge). It cannot change. 51 needs no signature, so that any node can make blocks.',
        absent: 'The public signet.',
        'x-kubernetes-validations': [
          {
            rule: "self.matches('^([0-9a-f][0-9a-f])+$')",
            message: 'must be a script in hexadecimal: an even number of the digits 0-9 and a-f, such as 51',
          },
        ],
      }),
    blockTimeSeconds: int32(1, 86_400).exactOptional().meta({
      description:
        'The time between blocks that the difficulty aims at (signetblocktime). It cannot change. Knots and Inquisition have it; Bitcoin Core does not start with it.',
      absent: '600, as in Bitcoin Core.',
    }),
  })
  .meta({
    description: 'A signet of your own. Only with chain signet.',
    absent: 'With chain signet: the public signet.',
    'x-kubernetes-validations': [
      {
        rule: '!has(self.blockTimeSeconds) || has(self.challenge)',
        message: 'blockTimeSeconds needs signet.challenge: the public signet has a block time of its own',
        fieldPath: '.blockTimeSeconds',
      },
    ],
  });

export const peerDiscoverySchema = z.enum(['Enabled', 'Disabled']).meta({
  description:
    'Whether nodes look for peers outside the network by themselves. If Disabled, a node has the connections of the topology and of externalPeers, and those that others open to it. A change restarts the nodes.',
  absent: 'Enabled on main, testnet4 and the public signet; else Disabled.',
});

const chainOf = (spec: string) => `(has(${spec}.chain) ? ${spec}.chain : 'regtest')`;
const signetOf = (spec: string, field: string, absent: string) =>
  `(has(${spec}.signet) && has(${spec}.signet.${field}) ? ${spec}.signet.${field} : ${absent})`;
const isUnchanged = (valueOf: (spec: string) => string) => `${valueOf('self')} == ${valueOf('oldSelf')}`;

/** Rules of `spec`. A rule of the field itself would not hold if the field is removed or added. */
export const chainRules: readonly ValidationRule[] = [
  {
    rule: isUnchanged(chainOf),
    message: 'chain cannot change: the blocks of the nodes are of another chain. Create a new network',
    fieldPath: '.chain',
  },
  {
    rule: `!has(self.signet) || ${chainOf('self')} == 'signet'`,
    message: 'signet is only allowed with chain: signet',
    fieldPath: '.signet',
  },
  {
    rule: isUnchanged(spec => signetOf(spec, 'challenge', "''")),
    message: 'signet.challenge cannot change: it is part of the chain. Create a new network',
    fieldPath: '.signet',
  },
  {
    rule: isUnchanged(spec => signetOf(spec, 'blockTimeSeconds', '0')),
    message: 'signet.blockTimeSeconds cannot change: it is a rule of the chain. Create a new network',
    fieldPath: '.signet',
  },
];

export type Chain = z.infer<typeof chainSchema>;
