// Peers outside the network that its nodes connect to.
import * as z from 'zod';
import { listMap, listSet, ordinal } from './field-types.ts';

const host = String.raw`([A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])`;
/** From 1 to 65535. */
const port = '([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';

const externalPeerSchema = z.object({
  address: z
    .string()
    .min(1)
    .max(261)
    .meta({
      description: 'HOST or HOST:PORT, with an IPv6 address in brackets. The default port is that of the chain.',
      'x-kubernetes-validations': [
        {
          rule: `self.matches('^${host}(:${port})?$')`,
          message:
            'must be HOST or HOST:PORT with a port from 1 to 65535, such as seed.example.org:38333, 192.0.2.1 or [2001:db8::1]:8333',
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
      description:
        "The ordinals of the nodes that connect to it. It takes one of the 8 connections that a node's bitcoind reconnects by itself.",
      absent: 'Node 0.',
    }),
});

export const externalPeersSchema = z
  .array(externalPeerSchema)
  .max(64)
  .meta({
    ...listMap('address'),
    description: 'Peers outside the network that nodes connect to, on the same chain (addnode). Changes apply to running nodes.',
    absent: 'None.',
  });
