// The chain that a new network starts with: the blocks of another network.
import * as z from 'zod';
import { int32, type ValidationRule } from './field-types.ts';

/** Blocks of the least size, as many as can be copied in all. */
export const maxBootstrapHeight = 400_000;

export const bootstrapSchema = z
  .object({
    network: z
      .object({
        name: z.string().min(1).max(48).meta({ description: 'Its name, in the same namespace.' }),
      })
      .meta({ description: 'The network whose blocks are copied. It has the same chain, and the same signet.challenge.' }),
    height: int32(1, maxBootstrapHeight).exactOptional().meta({
      description: 'The height up to which blocks are copied.',
      absent: 'The height that the chain of the other network has when this one is created.',
    }),
  })
  .meta({
    description:
      'Blocks of another network that the nodes start with, up to 100 MiB. Nodes are connected, and blocks made, once they are copied. It cannot be added or changed later, only removed.',
    absent: 'The nodes start with the genesis block.',
  });

/** Rules of `spec`. A rule of the field itself would not hold if the field is added. */
export const bootstrapRules: readonly ValidationRule[] = [
  {
    rule: '!has(self.bootstrap) || (has(oldSelf.bootstrap) && self.bootstrap == oldSelf.bootstrap)',
    message: 'bootstrap is read when the network is created: it cannot be added or changed later, only removed',
    fieldPath: '.bootstrap',
  },
];

/** A rule of the whole object. */
export const bootstrapNameRule: ValidationRule = {
  rule: '!has(self.spec.bootstrap) || self.spec.bootstrap.network.name != self.metadata.name',
  message: 'spec.bootstrap.network.name must be the name of another network: this one has no blocks that it could start with',
};

export type BootstrapSpec = z.infer<typeof bootstrapSchema>;
