import type {
  V1Affinity,
  V1Container,
  V1NetworkPolicyPeer,
  V1PodSecurityContext,
  V1TopologySpreadConstraint,
  V1Volume,
} from '@kubernetes/client-node';
import type { BitcoinNetwork, BitcoinNetworkSpec } from '../api/bitcoin-network.ts';

type Quantities = Record<string, string | number>;
export type Chain = 'main' | 'testnet4' | 'signet' | 'regtest';
export interface NetworkPodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: {
    nodeSelector?: Record<string, string>;
    tolerations?: {
      key?: string;
      operator?: 'Exists' | 'Equal';
      value?: string;
      effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
      tolerationSeconds?: number;
    }[];
    affinity?: V1Affinity;
    topologySpreadConstraints?: V1TopologySpreadConstraint[];
    priorityClassName?: string;
    runtimeClassName?: string;
    schedulerName?: string;
    serviceAccountName?: string;
    imagePullSecrets?: { name: string }[];
    securityContext?: V1PodSecurityContext;
    terminationGracePeriodSeconds?: number;
    initContainers?: V1Container[];
    containers?: V1Container[];
    volumes?: V1Volume[];
  };
}
export interface NodeSettings {
  image?: string;
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  resources?: { requests?: Quantities; limits?: Quantities };
  bitcoinConf?: string[];
  zmq?: { topics: ('hashblock' | 'hashtx' | 'rawblock' | 'rawtx' | 'sequence')[]; port?: number };
  podTemplate?: NetworkPodTemplate;
}
export interface GroupSpec extends NodeSettings {
  name: string;
  nodes: number;
  ordinals: { start: number };
}
export interface ServicesSpec {
  p2pPerNode?: {
    type: 'NodePort' | 'LoadBalancer';
    annotations?: Record<string, string>;
    externalTrafficPolicy?: 'Cluster' | 'Local';
  };
  rpc?: { type: 'ClusterIP' | 'NodePort' | 'LoadBalancer'; annotations?: Record<string, string> };
}
export interface NetworkPolicySpec {
  rpcFrom?: V1NetworkPolicyPeer[];
  p2pFrom?: V1NetworkPolicyPeer[];
  egress?: 'Restricted' | 'Unrestricted';
}
export interface DeclaredSpec extends BitcoinNetworkSpec, NodeSettings {
  chain?: Chain;
  signet?: { challenge?: string; blockTimeSeconds?: number };
  peerDiscovery?: 'Enabled' | 'Disabled';
  externalPeers?: { address: string; ordinals?: number[] }[];
  groups?: GroupSpec[];
  services?: ServicesSpec;
  networkPolicy?: NetworkPolicySpec;
  podDisruptionBudget?: { maxUnavailable?: string | number };
}
export interface DeclaredNetwork extends Omit<BitcoinNetwork, 'spec'> {
  readonly spec: DeclaredSpec;
}
