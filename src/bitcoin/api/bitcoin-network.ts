// The custom resource, defined once: the TypeScript type is inferred from these schemas, the CRD in the chart is generated from
// them (custom-resource-definition.ts).
// Wire-compatible with christianb93/bitcoin-controller, version v1: its manifests and clients work unchanged.
import type { KubernetesObject } from '@kubernetes/client-node';
import { z } from 'zod';

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
    nodes: z
      .int()
      .min(0)
      .max(maxNodes)
      .meta({ format: 'int32', description: 'The number of bitcoin nodes. 0 stops all nodes and keeps the network.' }),
    secret: z
      .string()
      .max(253)
      .optional()
      .meta({
        description:
          'Name of the Secret, in the namespace of the network, whose keys BC_RPC_USER and BC_RPC_PASSWORD hold the JSON-RPC credentials. If empty, the publicly known default credentials are used.',
        'x-kubernetes-validations': [secretNameRule],
      }),
  })
  .meta({ description: 'The desired state of the network.' });

const nodeSchema = z.object({
  ordinal: z.int().meta({ format: 'int32', description: "The ordinal of the node's pod in the StatefulSet, from 0." }),
  ready: z.boolean().meta({ description: 'Whether the pod is Ready: bitcoind answers.' }),
  ip: z.string().meta({ description: 'The IP address of the pod; empty until it has one.' }),
  nodeName: z.string().meta({ description: 'The name of the pod.' }),
  dnsName: z.string().meta({ description: 'The DNS name of the pod within the namespace: POD.SERVICE.' }),
});

const conditionSchema = z.object({
  type: z.string().max(316).meta({ description: 'Ready, Connected or CredentialsAvailable.' }),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z
    .int()
    .optional()
    .meta({ format: 'int64', description: 'The metadata.generation that the condition is based on.' }),
  lastTransitionTime: z
    .string()
    .meta({ format: 'date-time', description: 'The last time that the status of the condition changed.' }),
  reason: z.string().max(1024).meta({ description: 'The cause, as one UpperCamelCase word.' }),
  message: z.string().max(32768).meta({ description: 'The cause, for people.' }),
});

const lastEventSchema = z.object({
  name: z.string().max(253).meta({ description: 'The name of the event, in the namespace of the network.' }),
  type: z.enum(['Normal', 'Warning']),
  reason: z.string().max(128).meta({ description: 'The cause, as one UpperCamelCase word.' }),
  message: z.string().max(32768).meta({ description: 'The cause, for people.' }),
});

const statusSchema = z
  .object({
    observedGeneration: z
      .int()
      .optional()
      .meta({ format: 'int64', description: 'The metadata.generation that the status is based on.' }),
    replicas: z
      .int()
      .optional()
      .meta({ format: 'int32', description: 'The number of pods that exist (for the scale subresource).' }),
    readyNodes: z.int().optional().meta({ format: 'int32', description: 'The number of ready nodes.' }),
    selector: z.string().optional().meta({ description: 'The label selector of the pods (for the scale subresource).' }),
    nodes: z
      .array(nodeSchema)
      .optional()
      .meta({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['ordinal'],
        description: 'The nodes that exist, by ordinal.',
      }),
    conditions: z
      .array(conditionSchema)
      .optional()
      .meta({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
        description:
          'Ready: as many nodes as the spec wants exist and are ready. Connected: every node lists every other node and is connected to it. CredentialsAvailable: the credentials could be read.',
      }),
    lastEvents: z.array(lastEventSchema).optional().meta({
      'x-kubernetes-list-type': 'atomic',
      description:
        'The events of the last change of this status. A restarted controller records those that its predecessor could not, and none twice.',
    }),
  })
  .meta({ description: 'The observed state of the network. Only the controller writes it.' });

/** The schema of the whole object in the CRD. */
export const bitcoinNetworkSchema = z.object({ spec: specSchema, status: statusSchema.optional() }).meta({
  description: 'A network of bitcoin nodes (regtest) that are connected to one another.',
  'x-kubernetes-validations': [nameRule],
});

/** The fields that the schema defines. */
export const bitcoinNetworkFields = { spec: Object.keys(specSchema.shape), status: Object.keys(statusSchema.shape) } as const;

export type BitcoinNetworkSpec = z.infer<typeof specSchema>;
export type BitcoinNetworkNode = z.infer<typeof nodeSchema>;
export type BitcoinNetworkCondition = z.infer<typeof conditionSchema>;
export type BitcoinNetworkStatus = z.infer<typeof statusSchema>;

/** A BitcoinNetwork as the API server returns it, with the metadata that it always has. */
export interface BitcoinNetwork extends KubernetesObject {
  readonly metadata: NonNullable<KubernetesObject['metadata']> & {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
  };
  readonly spec: BitcoinNetworkSpec;
  readonly status?: BitcoinNetworkStatus;
}
