// Hashes of the JSON-RPC credentials for the nodes, which then never have the password.
import * as z from 'zod';
import { objectName, type ValidationRule } from './field-types.ts';

/** The key of the Secret. Its value has lines of bitcoind's configuration. */
export const rpcAuthKey = 'rpcauth.conf';

export const rpcAuthSchema = z
  .object({
    secretName: objectName().meta({
      description: `Name of a Secret in the namespace of the network. Its key ${rpcAuthKey} has lines rpcauth=USER:SALT$HASH, one of them for the user and the password of secret, and may have lines rpcwhitelist= and rpcwhitelistdefault=. A change restarts the nodes.`,
      'x-kubernetes-validations': [
        {
          rule: "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
          message:
            'must be the name of a Secret in the same namespace (lower-case letters, digits, "-" and "."; it starts and ends with a letter or a digit)',
        },
      ],
    }),
  })
  .meta({
    description:
      'Hashes of the JSON-RPC credentials. Only the controller then uses the password in secret; the nodes get no part of it.',
    absent: 'The nodes get user and password as environment variables.',
  });

/** A rule of `spec`. */
export const rpcAuthRules: readonly ValidationRule[] = [
  {
    rule: "!has(self.rpcAuth) || (has(self.secret) && self.secret != '')",
    message: 'rpcAuth needs secret: the controller itself uses the user and the password of that Secret',
    fieldPath: '.rpcAuth',
  },
];

export type RpcAuthSpec = z.infer<typeof rpcAuthSchema>;
