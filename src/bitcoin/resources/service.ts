// The Services of a network: the headless one, which all networks have, and those that `spec.services` asks for.
import type { V1Service, V1ServicePort } from '@kubernetes/client-node';
import { nodeServiceName, podSelector, rpcServiceName, serviceName } from '../api/names.ts';
import { chainParametersOf } from './chain-parameters.ts';
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import { nodeSetsOf, resumedSetsOf, zmqPortOf } from './node-sets.ts';
import { ownedMetadata } from './owned-metadata.ts';

const portOf = (name: 'rpc' | 'p2p' | 'zmq', port: number): V1ServicePort => ({ name, port, protocol: 'TCP', targetPort: name });

/**
 * Gives every node its DNS name, ready or not: a node must be found before it can become ready. Where groups publish ZMQ on different ports,
 * the port of the Service is that of the first set; who connects to a node uses the node's own.
 */
export function headlessService(network: BitcoinNetwork): V1Service {
  const { rpcPort, p2pPort } = chainParametersOf(network.spec);
  const zmqPort = nodeSetsOf(network)
    .map(zmqPortOf)
    .find(port => port !== undefined);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(network, serviceName(network)),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: podSelector(network),
      ports: [portOf('rpc', rpcPort), portOf('p2p', p2pPort), ...(zmqPort === undefined ? [] : [portOf('zmq', zmqPort)])],
    },
  };
}

/**
 * A Service a node, through which bitcoind outside the cluster connects to it; none unless `services.p2pPerNode` is set. A node is reached
 * before it is ready, as within the network.
 */
export function nodeServices(network: BitcoinNetwork): V1Service[] {
  const wanted = network.spec.services?.p2pPerNode;
  if (wanted === undefined) return [];
  const { p2pPort } = chainParametersOf(network.spec);
  const { type, annotations, externalTrafficPolicy } = wanted;
  return podNamesOf(network).map(podName => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...ownedMetadata(network, nodeServiceName(podName)), ...annotated(annotations) },
    spec: {
      type,
      ...(externalTrafficPolicy === undefined ? {} : { externalTrafficPolicy }),
      publishNotReadyAddresses: true,
      selector: { ...podSelector(network), 'statefulset.kubernetes.io/pod-name': podName },
      ports: [portOf('p2p', p2pPort)],
    },
  }));
}

/** The RPC port of whichever node is ready; undefined unless `services.rpc` is set. RPC is plain HTTP. */
export function rpcService(network: BitcoinNetwork): V1Service | undefined {
  const wanted = network.spec.services?.rpc;
  if (wanted === undefined) return undefined;
  const { rpcPort } = chainParametersOf(network.spec);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...ownedMetadata(network, rpcServiceName(network)), ...annotated(wanted.annotations) },
    spec: { type: wanted.type, selector: podSelector(network), ports: [portOf('rpc', rpcPort)] },
  };
}

/** A suspended network keeps the Services of its nodes, and with them their addresses. */
const podNamesOf = (network: BitcoinNetwork): string[] =>
  resumedSetsOf(network).flatMap(({ name, start, nodes }) =>
    Array.from({ length: nodes }, (_, index) => `${name}-${start + index}`),
  );

const annotated = (annotations: Readonly<Record<string, string>> = {}): { annotations?: Record<string, string> } =>
  Object.keys(annotations).length === 0 ? {} : { annotations: { ...annotations } };
