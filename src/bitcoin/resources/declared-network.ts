import type { BitcoinNetwork, BitcoinNetworkSpec } from '../api/bitcoin-network.ts';

type Raw = Record<string, unknown>;
type Quantities = Record<string, string | number>;
export type Chain = 'main' | 'testnet4' | 'signet' | 'regtest';
export interface PodTemplateSpec {
  metadata?: { labels?: Record<string, string> | undefined; annotations?: Record<string, string> | undefined } | undefined;
  spec?:
    | {
        nodeSelector?: Record<string, string> | undefined;
        tolerations?: Raw[] | undefined;
        affinity?: Raw | undefined;
        topologySpreadConstraints?: Raw[] | undefined;
        priorityClassName?: string | undefined;
        runtimeClassName?: string | undefined;
        schedulerName?: string | undefined;
        serviceAccountName?: string | undefined;
        imagePullSecrets?: { name: string }[] | undefined;
        securityContext?: Raw | undefined;
        terminationGracePeriodSeconds?: number | undefined;
        initContainers?: Raw[] | undefined;
        containers?: Raw[] | undefined;
        volumes?: Raw[] | undefined;
      }
    | undefined;
}
export interface NodeSettings {
  image?: string | undefined;
  imagePullPolicy?: string | undefined;
  resources?: { requests?: Quantities | undefined; limits?: Quantities | undefined } | undefined;
  bitcoinConf?: string[] | undefined;
  zmq?: { topics: string[]; port?: number | undefined } | undefined;
  podTemplate?: PodTemplateSpec | undefined;
}
export interface GroupSpec extends NodeSettings {
  name: string;
  nodes: number;
  ordinals: { start: number };
}
export interface ServicesSpec {
  p2pPerNode?:
    | {
        type: 'NodePort' | 'LoadBalancer';
        annotations?: Record<string, string> | undefined;
        externalTrafficPolicy?: 'Cluster' | 'Local' | undefined;
      }
    | undefined;
  rpc?: { type: 'ClusterIP' | 'NodePort' | 'LoadBalancer'; annotations?: Record<string, string> | undefined } | undefined;
}
export interface NetworkPolicySpec {
  rpcFrom?: Raw[] | undefined;
  p2pFrom?: Raw[] | undefined;
  egress?: 'Restricted' | 'Unrestricted' | undefined;
}
export interface DeclaredSpec extends BitcoinNetworkSpec, NodeSettings {
  chain?: Chain | undefined;
  signet?: { challenge?: string | undefined; blockTimeSeconds?: number | undefined } | undefined;
  peerDiscovery?: 'Enabled' | 'Disabled' | undefined;
  externalPeers?: { address: string; ordinals?: number[] | undefined }[] | undefined;
  groups?: GroupSpec[] | undefined;
  services?: ServicesSpec | undefined;
  networkPolicy?: NetworkPolicySpec | undefined;
  podDisruptionBudget?: { maxUnavailable?: string | number | undefined } | undefined;
}
export interface DeclaredNetwork extends Omit<BitcoinNetwork, 'spec'> {
  readonly spec: DeclaredSpec;
}
