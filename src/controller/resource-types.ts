// The resources that the controller reads and writes, as paths of the API server.
import type {
  V1ConfigMap,
  V1NetworkPolicy,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodDisruptionBudget,
  V1Secret,
  V1Service,
  V1StatefulSet,
} from '@kubernetes/client-node';
import { type BitcoinExperiment, experimentKind, experimentPlural } from '../bitcoin/api/bitcoin-experiment.ts';
import { type BitcoinNetwork, group, kind, plural, version } from '../bitcoin/api/bitcoin-network.ts';
import type { ResourceType } from '../kube/resource.ts';

export const networks: ResourceType<BitcoinNetwork> = { group, version, plural, kind, namespaced: true };
export const experiments: ResourceType<BitcoinExperiment> = {
  ...{ group, version, plural: experimentPlural },
  kind: experimentKind,
  namespaced: true,
};
export const pods: ResourceType<V1Pod> = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
export const secrets: ResourceType<V1Secret> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };
export const services: ResourceType<V1Service> = {
  group: '',
  version: 'v1',
  plural: 'services',
  kind: 'Service',
  namespaced: true,
};
export const statefulSets: ResourceType<V1StatefulSet> = {
  group: 'apps',
  version: 'v1',
  plural: 'statefulsets',
  kind: 'StatefulSet',
  namespaced: true,
};
export const configMaps: ResourceType<V1ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
export const networkPolicies: ResourceType<V1NetworkPolicy> = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  namespaced: true,
};
export const podDisruptionBudgets: ResourceType<V1PodDisruptionBudget> = {
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
  namespaced: true,
};
/** The claims of nodes: a StatefulSet makes them, the controller lets them grow and be kept. */
export const persistentVolumeClaims: ResourceType<V1PersistentVolumeClaim> = {
  group: '',
  version: 'v1',
  plural: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
};
