// The CustomResourceDefinitions, made from the schemas in bitcoin-network.ts and bitcoin-experiment.ts. tools/generate.ts writes them into the chart.
import * as z from 'zod';
import { bitcoinExperimentSchema, experimentKind, experimentPlural } from './bitcoin-experiment.ts';
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
            wide(column('Storage', 'string', '.status.storage', 'Ephemeral, Persistent or Mixed: whether nodes have volumes.')),
          ],
        },
      ],
    },
  };
}

/** The schema of a BitcoinExperiment, as that of networks. */
export const jsonSchemaOfExperiments = (): JsonSchema =>
  z.toJSONSchema(bitcoinExperimentSchema, { target: 'openapi-3.0', io: 'input' });

/** The CRD of experiments. */
export function experimentDefinition(): JsonSchema {
  const condition = (type: string) => `.status.conditions[?(@.type=="${type}")]`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${experimentPlural}.${group}` },
    spec: {
      group,
      names: {
        ...{ kind: experimentKind, listKind: `${experimentKind}List`, plural: experimentPlural },
        ...{ singular: 'bitcoinexperiment', shortNames: ['bce'] },
      },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: structuralSchema(jsonSchemaOfExperiments()) },
          subresources: { status: {} },
          additionalPrinterColumns: [
            column('Network', 'string', '.spec.network.name', 'The network that the steps are done with.'),
            column('Step', 'string', '.status.step', 'The last step that began.'),
            column(
              'Started',
              'string',
              `${condition('Started')}.status`,
              'Whether the steps have started; False while it waits.',
            ),
            column('Complete', 'string', `${condition('Complete')}.status`, 'Whether all steps are done.'),
            column('Failed', 'string', `${condition('Failed')}.status`, 'Whether the experiment failed.'),
            column('Depth', 'integer', '.status.reorgDepth', 'The most blocks that a node replaced.'),
            wide(column('Waits', 'string', `${condition('Started')}.reason`, 'Why the experiment is pending, if it is.')),
            column('Age', 'date', '.metadata.creationTimestamp', 'The time since the experiment was created.'),
          ],
        },
      ],
    },
  };
}

/** All CRDs as one object for kubectl. */
export const customResourceDefinitions = (): JsonSchema => ({
  apiVersion: 'v1',
  kind: 'List',
  items: [customResourceDefinition(), experimentDefinition()],
});
