// Objects for tests, complete enough for the API, with what a test is about given by the test.
import type { V1Pod, V1StatefulSet } from '@kubernetes/client-node';
import { apiVersion, type BitcoinNetwork, type BitcoinNetworkSpec, kind } from '../../src/bitcoin/api/bitcoin-network.ts';
import { labelsOf } from '../../src/bitcoin/api/names.ts';
import { type NodeSet, nodeSetsOf } from '../../src/bitcoin/resources/node-sets.ts';
import { statefulSetFor, type StatefulSetOptions } from '../../src/bitcoin/resources/stateful-set.ts';
import type { Node } from '../../src/bitcoin/topology/peer-plan.ts';

export function network(
  spec: Partial<BitcoinNetworkSpec> = {},
  metadata: Partial<BitcoinNetwork['metadata']> = {},
): BitcoinNetwork {
  return {
    apiVersion,
    kind,
    metadata: { name: 'alice', namespace: 'default', uid: 'uid-alice', generation: 1, resourceVersion: '1', ...metadata },
    spec: { nodes: 3, ...spec },
  };
}

/** The set of the nodes that are in no group. */
export const defaultSetOf = (of: BitcoinNetwork): NodeSet => nodeSetsOf(of)[0];

/** The StatefulSet of the nodes that are in no group. */
export const statefulSetOf = (of: BitcoinNetwork, version: string | undefined, options: StatefulSetOptions): V1StatefulSet =>
  statefulSetFor(of, defaultSetOf(of), version, options);

export function node(ordinal: number, fields: Partial<Node> = {}): Node {
  return { name: `alice-sts-${ordinal}`, ordinal, ip: `10.0.0.${ordinal + 1}`, isReady: true, isTerminating: false, ...fields };
}

export function pod(
  name: string,
  fields: { readonly ip?: string; readonly isReady?: boolean; readonly deletionTimestamp?: string } = {},
): V1Pod {
  const { ip = '10.0.0.1', isReady = true, deletionTimestamp } = fields;
  const metadata: object = {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    labels: labelsOf({ metadata: { name: name.replace(/-sts-\d+$/, '') } }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    status: { podIP: ip, conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  };
}
