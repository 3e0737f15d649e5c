// The CustomResourceDefinition, made from the schema in bitcoin-network.ts. tools/generate.ts writes it into the chart.
import { z } from 'zod';
import { bitcoinNetworkSchema, group, kind, plural, version } from './bitcoin-network.ts';

type JsonSchema = { [key: string]: unknown };

/** Keys of JSON Schema that a structural schema of Kubernetes must not have. */
const refusedKeys = new Set(['$schema', 'additionalProperties', '~standard']);

/** Zod gives every integer the bounds of JavaScript's safe integers, which are no limits of the field. */
const isSafeIntegerBound = (key: string, value: unknown): boolean =>
  (key === 'minimum' && value === Number.MIN_SAFE_INTEGER) || (key === 'maximum' && value === Number.MAX_SAFE_INTEGER);

function structural(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(structural);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as JsonSchema)
      .filter(([key, child]) => !refusedKeys.has(key) && !isSafeIntegerBound(key, child))
      .map(([key, child]) => [key, structural(child)]),
  );
}

const column = (name: string, type: string, jsonPath: string, description: string): JsonSchema => ({
  name,
  type,
  jsonPath,
  description,
});

/** The CRD as plain JSON, ready for the API server. */
export function customResourceDefinition(): JsonSchema {
  const schema = structural(z.toJSONSchema(bitcoinNetworkSchema, { target: 'openapi-3.0', io: 'input' })) as JsonSchema;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: 'bitcoinnetwork', shortNames: ['bcn'] },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.nodes',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          additionalPrinterColumns: [
            column('Nodes', 'integer', '.spec.nodes', 'The number of nodes that the spec wants.'),
            column('Ready', 'integer', '.status.readyNodes', 'The number of ready nodes.'),
            column(
              'Connected',
              'string',
              '.status.conditions[?(@.type=="Connected")].status',
              'Whether every node is connected to every other.',
            ),
            column('Age', 'date', '.metadata.creationTimestamp', 'The time since the network was created.'),
          ],
        },
      ],
    },
  };
}
