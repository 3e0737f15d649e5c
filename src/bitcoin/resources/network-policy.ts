// The NetworkPolicy of a network's pods. Whether it is enforced is up to the network plugin of the cluster.
import type {
  V1NetworkPolicy,
  V1NetworkPolicyEgressRule,
  V1NetworkPolicyIngressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
} from '@kubernetes/client-node';
import { networkPolicyName, podSelector } from '../api/names.ts';
import { chainParametersOf } from './chain-parameters.ts';
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import type { NetworkPolicySpec } from '../api/network-policy.ts';
import { portOfAddress } from '../topology/external-peers.ts';
import { nodeSetsOf, zmqPortOf } from './node-sets.ts';
import { ownedMetadata } from './owned-metadata.ts';

const tcp = (port: number): V1NetworkPolicyPort => ({ port, protocol: 'TCP' });

/**
 * Pure. Undefined unless `spec.networkPolicy` is set. The probes of the kubelet are allowed in any case.
 * @param controllerPods the controller's own pods, which must reach the RPC port. If they are not known, only `rpcFrom` reaches it.
 */
export function networkPolicyFor(
  network: BitcoinNetwork,
  controllerPods: readonly V1NetworkPolicyPeer[],
): V1NetworkPolicy | undefined {
  const policy = network.spec.networkPolicy;
  if (policy === undefined) return undefined;
  const isRestricted = policy.egress === 'Restricted';
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: ownedMetadata(network, networkPolicyName(network)),
    spec: {
      podSelector: { matchLabels: podSelector(network) },
      policyTypes: isRestricted ? ['Ingress', 'Egress'] : ['Ingress'],
      ingress: ingressOf(network, policy, controllerPods),
      ...(isRestricted ? { egress: egressOf(network) } : {}),
    },
  };
}

/** The API has `from`, which client-node names `_from`. */
const ruleFrom = (from: readonly V1NetworkPolicyPeer[], ports: readonly number[]): V1NetworkPolicyIngressRule =>
  ({ from, ports: ports.map(tcp) }) as V1NetworkPolicyIngressRule;

const ownPods = (network: BitcoinNetwork): V1NetworkPolicyPeer => ({ podSelector: { matchLabels: podSelector(network) } });

function ingressOf(
  network: BitcoinNetwork,
  { rpcFrom = [], p2pFrom = [] }: NetworkPolicySpec,
  controllerPods: readonly V1NetworkPolicyPeer[],
): V1NetworkPolicyIngressRule[] {
  const { rpcPort, p2pPort } = chainParametersOf(network.spec);
  const rpcClients = [...controllerPods, ...rpcFrom];
  const zmqPorts = nodeSetsOf(network).flatMap(set => zmqPortOf(set) ?? []);
  return [
    // An empty list would let everybody in.
    ...(rpcClients.length === 0 ? [] : [ruleFrom(rpcClients, [rpcPort, ...new Set(zmqPorts)])]),
    ruleFrom([ownPods(network), ...p2pFrom], [p2pPort]),
  ];
}

/** DNS, the network itself, and what it needs of the outside: the chain's port for peers that it finds, the ports of its external peers. */
function egressOf(network: BitcoinNetwork): V1NetworkPolicyEgressRule[] {
  const { p2pPort, isClosed } = chainParametersOf(network.spec);
  const external = (network.spec.externalPeers ?? []).map(({ address }) => portOfAddress(address) ?? p2pPort);
  const outside = new Set([...(isClosed ? [] : [p2pPort]), ...external]);
  return [
    { ports: [{ port: 53, protocol: 'UDP' }, tcp(53)] },
    { to: [ownPods(network)], ports: [tcp(p2pPort)] },
    ...(outside.size === 0 ? [] : [{ ports: [...outside].sort((one, other) => one - other).map(tcp) }]),
  ];
}
