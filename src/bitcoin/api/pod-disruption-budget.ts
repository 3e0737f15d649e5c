// A PodDisruptionBudget for the nodes of a network.
import * as z from 'zod';
import { numberOrPercentage } from './field-types.ts';

export const podDisruptionBudgetSchema = z
  .object({
    maxUnavailable: numberOrPercentage()
      .exactOptional()
      .meta({
        description: 'How many nodes, of all groups together, may be evicted at the same time, such as 1 or 25%.',
        absent: '1.',
        'x-kubernetes-validations': [
          {
            rule: "type(self) == int ? self >= 0 : self.matches('^(100|[1-9]?[0-9])%$')",
            message: 'must be a number from 0, or a percentage from 0% to 100%',
          },
        ],
      }),
  })
  .meta({
    description: 'Creates the PodDisruptionBudget NETWORK-pdb for the nodes, also if it is empty ({}).',
    absent: 'No PodDisruptionBudget.',
  });
