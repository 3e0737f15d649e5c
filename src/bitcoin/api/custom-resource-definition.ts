// The CustomResourceDefinition, made from the schema in bitcoin-network.ts. tools/generate.ts writes it into the chart.
import * as z from 'zod';
import { bitcoinNetworkSchema, group, kind, plural, version } from './bitcoin-network.ts';
import { type JsonSchema, structuralSchema } from './structural-schema.ts';

const column = (name: string, type: string, jsonPath: string, description: string): JsonSchema => ({
  name,
  type,
  jsonPath,
  description,
});
/** Shown by `kubectl get -o wide` only. */
const wide = (shown: JsonSchema): JsonSchema => ({ ...shown, priority: 1 });

/** The schema of a BitcoinNetwork as zod writes it, with what a missing field means under the key `absent`. */
export const jsonSchemaOfNetworks = (): JsonSchema =>
  z.toJSONSchema(bitcoinNetworkSchema, { target: 'openapi-3.0', io: 'input' });

/** The CRD as plain JSON, ready for the API server. */
export function customResourceDefinition(): JsonSchema {
  const schema = structuralSchema(jsonSchemaOfNetworks());
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
            column('Edges', 'string', '.status.edges.summary', 'The connected edges of the topology, and all of its edges.'),
            column('Height', 'integer', '.status.chain.height', 'The height of the longest chain that a node has.'),
            column('Tips', 'integer', '.status.chain.tips', 'The number of chains that nodes are on; more than 1 are a fork.'),
            column(
              'Connected',
              'string',
              '.status.conditions[?(@.type=="Connected")].status',
              'Whether every edge of the topology is connected; without a topology, whether every two nodes are.',
            ),
            wide(column('Chain', 'string', '.spec.chain', 'The chain; regtest if the spec names none.')),
            column('Age', 'date', '.metadata.creationTimestamp', 'The time since the network was created.'),
          ],
        },
      ],
    },
  };
}
