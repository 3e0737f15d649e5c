// The custom resource, defined once, with a schema for each feature in a file of its own. The TypeScript types are inferred from the
// schemas; the CRD in the chart and docs/fields.md are generated from them (custom-resource-definition.ts, field-reference.ts).
// Wire-compatible with christianb93/bitcoin-controller, version v1: its manifests and clients work unchanged.
import type { KubernetesObject } from '@kubernetes/client-node';
import * as z from 'zod';
import { blockProductionRules, blockProductionSchema } from './block-production.ts';
import { bootstrapNameRule, bootstrapRules, bootstrapSchema } from './bootstrap.ts';
import { chainRules, chainSchema, peerDiscoverySchema, signetSchema } from './chain.ts';
import { externalPeersSchema } from './external-peers.ts';
import { int32 } from './field-types.ts';
import { groupNameRule, groupRules, groupsSchema } from './groups.ts';
import { networkPolicySchema } from './network-policy.ts';
import { nodeSettingsSchema } from './node-settings.ts';
import { partitionSchema } from './partition.ts';
import { podDisruptionBudgetSchema } from './pod-disruption-budget.ts';
import { rolloutSchema } from './rollout.ts';
import { rpcAuthRules, rpcAuthSchema } from './rpc-auth.ts';
import { servicesSchema } from './services.ts';
import { type BitcoinNetworkStatus, statusSchema } from './status.ts';
import { storageRules } from './storage.ts';
import { topologyRules, topologySchema } from './topology.ts';
import { walletRules, walletsSchema } from './wallets.ts';

export const group = 'bitcoincontroller.christianb93.github.com';
export const version = 'v1';
export const apiVersion = `${group}/${version}`;
export const kind = 'BitcoinNetwork';
export const plural = 'bitcoinnetworks';

/** A full mesh of more nodes would exceed the connections that bitcoind accepts (125 by default) by far. The limit catches a mistyped number. */
export const maxNodes = 1000;

/** 48: the StatefulSet controller labels each pod with `NAME-sts-<10 characters>`, and a label value has at most 63 characters. */
export const maxNameLength = 48;

const secretNameRule = {
  rule: "self == '' || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
  message:
    'must be the name of a Secret in the same namespace (lower-case letters, digits, "-" and "."; it starts and ends with a letter or a digit), or empty',
};

const nameRule = {
  rule: `self.metadata.name.size() <= ${maxNameLength} && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')`,
  message: `metadata.name must be at most ${maxNameLength} characters: lower-case letters, digits and "-", starting with a letter and ending with a letter or a digit (Services and pods are named after it)`,
};

const specSchema = z
  .object({
    nodes: z.int().min(0).max(maxNodes).meta({
      format: 'int32',
      description: 'The number of bitcoin nodes, including those of groups. 0 stops all nodes and keeps the network.',
    }),
    secret: z
      .string()
      .max(253)
      .optional()
      .meta({
        description:
          'Name of the Secret, in the namespace of the network, whose keys BC_RPC_USER and BC_RPC_PASSWORD hold the JSON-RPC credentials. A change restarts the nodes.',
        absent: 'The publicly known default credentials, as with an empty name.',
        'x-kubernetes-validations': [secretNameRule],
      }),
    rpcAuth: rpcAuthSchema.exactOptional(),
    chain: chainSchema.exactOptional(),
    signet: signetSchema.exactOptional(),
    peerDiscovery: peerDiscoverySchema.exactOptional(),
    externalPeers: externalPeersSchema.exactOptional(),
    ...nodeSettingsSchema.shape,
    groups: groupsSchema.exactOptional(),
    topology: topologySchema.exactOptional(),
    partition: partitionSchema.exactOptional(),
    blockProduction: blockProductionSchema.exactOptional(),
    bootstrap: bootstrapSchema.exactOptional(),
    wallets: walletsSchema.exactOptional(),
    services: servicesSchema.exactOptional(),
    networkPolicy: networkPolicySchema.exactOptional(),
    podDisruptionBudget: podDisruptionBudgetSchema.exactOptional(),
    rollout: rolloutSchema.exactOptional(),
    suspend: z.boolean().exactOptional().meta({
      description: 'Whether all nodes are stopped. Their volumes stay; a node without storage loses its blocks.',
      absent: 'false.',
    }),
    ttlSecondsAfterCreation: int32(60, 2_147_483_647).exactOptional().meta({
      description:
        'The number of seconds after its creation at which the network is deleted, with everything but the volumes that storage.retention keeps. It can change at any time. The controller needs the right to delete networks (chart value rbac.deleteNetworks).',
      absent: 'The network stays until it is deleted.',
    }),
  })
  .meta({
    description: 'The desired state of the network.',
    'x-kubernetes-validations': [
      ...rpcAuthRules,
      ...chainRules,
      ...groupRules,
      ...topologyRules,
      ...blockProductionRules,
      ...storageRules,
      ...bootstrapRules,
      ...walletRules,
    ],
  });

/** The schema of the whole object in the CRD. */
export const bitcoinNetworkSchema = z.object({ spec: specSchema, status: statusSchema.optional() }).meta({
  description: 'A network of bitcoin nodes that are connected to one another.',
  'x-kubernetes-validations': [nameRule, groupNameRule, bootstrapNameRule],
});

/**
 * The first field of a spec whose type is not that of the schema: a sentence that begins with its path. Undefined if there is none.
 * The API server refuses such a spec, unless the definition is not the chart's.
 */
export function mistypedField(spec: unknown): string | undefined {
  const issue = specSchema.safeParse(spec).error?.issues.find(({ code }) => code === 'invalid_type');
  return issue && `${['spec', ...issue.path].join('.')}: ${issue.message}`;
}

/** The fields that the schema defines. */
export const bitcoinNetworkFields = { spec: Object.keys(specSchema.shape), status: Object.keys(statusSchema.shape) } as const;

export type BitcoinNetworkSpec = z.infer<typeof specSchema>;
export type {
  BitcoinNetworkBlock,
  BitcoinNetworkBlockProduction,
  BitcoinNetworkBootstrap,
  BitcoinNetworkChain,
  BitcoinNetworkCondition,
  BitcoinNetworkEdges,
  BitcoinNetworkNode,
  BitcoinNetworkPartition,
  BitcoinNetworkRollout,
  BitcoinNetworkStatus,
  BitcoinNetworkWallet,
} from './status.ts';

/** A BitcoinNetwork as the API server returns it, with the metadata that it always has. */
export interface BitcoinNetwork extends KubernetesObject {
  readonly metadata: NonNullable<KubernetesObject['metadata']> & {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
  };
  readonly spec: BitcoinNetworkSpec;
  /**
   * Set by the controller's cache, and no field of the API: why the spec is not kept. `spec` has only `nodes` and `secret` then. Nothing of
   * the network may be changed by it.
   */
  readonly unusableSpec?: { readonly reason: 'SpecTooLarge' | 'SpecMalformed'; readonly message: string };
  readonly status?: BitcoinNetworkStatus;
}
