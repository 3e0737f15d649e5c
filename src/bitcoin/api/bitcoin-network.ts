// The custom resource, defined once: the TypeScript type is inferred from these schemas, the CRD in the chart is generated from
// them (custom-resource-definition.ts). Before it: nothing. After it: resources.ts, controller/status.ts.
// Wire-compatible with christianb93/bitcoin-controller, version v1: its manifests and clients work unchanged.
import type { KubernetesObject } from '@kubernetes/client-node';
import { z } from 'zod';

export const group = 'bitcoincontroller.christianb93.github.com';
export const version = 'v1';
export const apiVersion = `${group}/${version}`;
export const kind = 'BitcoinNetwork';
export const plural = 'bitcoinnetworks';

/** Full mesh over more nodes than this exceeds what bitcoind accepts (125 connections by default) by far; the limit catches a mistyped number. */
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
      .meta({ format: 'int32', description: 'How many bitcoin nodes the network has. 0 stops them all and keeps the network.' }),
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
  .meta({ description: 'What the network should be.' });

const nodeSchema = z.object({
  ordinal: z.int().meta({ format: 'int32', description: "The node's place in the StatefulSet, from 0." }),
  ready: z.boolean().meta({ description: 'Whether its pod is Ready: bitcoind answers.' }),
  ip: z.string().meta({ description: 'The address of its pod; empty as long as it has none.' }),
  nodeName: z.string().meta({ description: 'The name of its pod.' }),
  dnsName: z.string().meta({ description: 'The DNS name of its pod within the namespace: POD.SERVICE.' }),
});

const conditionSchema = z.object({
  type: z.string().max(316).meta({ description: 'Ready, Connected or CredentialsAvailable.' }),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z
    .int()
    .optional()
    .meta({ format: 'int64', description: 'The metadata.generation that the condition speaks of.' }),
  lastTransitionTime: z.string().meta({ format: 'date-time', description: 'When status last changed.' }),
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
      .meta({ format: 'int64', description: 'The metadata.generation that the status speaks of.' }),
    replicas: z.int().optional().meta({ format: 'int32', description: 'How many pods exist (for the scale subresource).' }),
    readyNodes: z.int().optional().meta({ format: 'int32', description: 'How many nodes are ready.' }),
    selector: z.string().optional().meta({ description: 'Label selector of the pods (for the scale subresource).' }),
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
          'Ready: as many nodes as the spec asks for are ready. Connected: every one of them lists every other and is connected to it. CredentialsAvailable: the credentials could be read.',
      }),
    lastEvents: z.array(lastEventSchema).optional().meta({
      'x-kubernetes-list-type': 'atomic',
      description:
        'The events that tell how this status came about: a controller that is started again tells what its predecessor could not, and nothing twice.',
    }),
  })
  .meta({ description: 'What the network is. Written by the controller alone.' });

/** The schema of the whole object, as the CRD has it. */
export const bitcoinNetworkSchema = z.object({ spec: specSchema, status: statusSchema.optional() }).meta({
  description: 'A network of bitcoin nodes (regtest), joined with one another.',
  'x-kubernetes-validations': [nameRule],
});

/** The fields that the schema defines. */
export const bitcoinNetworkFields = { spec: Object.keys(specSchema.shape), status: Object.keys(statusSchema.shape) } as const;

export type BitcoinNetworkSpec = z.infer<typeof specSchema>;
export type BitcoinNetworkNode = z.infer<typeof nodeSchema>;
export type BitcoinNetworkCondition = z.infer<typeof conditionSchema>;
export type BitcoinNetworkStatus = z.infer<typeof statusSchema>;

/** A BitcoinNetwork as the API server hands it out: name, namespace, uid and generation are always there. */
export interface BitcoinNetwork extends KubernetesObject {
  readonly metadata: NonNullable<KubernetesObject['metadata']> & {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
  };
  readonly spec: BitcoinNetworkSpec;
  readonly status?: BitcoinNetworkStatus;
}
