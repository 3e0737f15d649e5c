// The kinds of objects that a network owns: their resource, and what a cache keeps of each.
import type { KubeObject, ResourceType } from '../kube/resource.ts';
import { keepConfigMap, keepService, keepSpec, keepStatefulSet } from './kept-fields.ts';
import { configMaps, networkPolicies, podDisruptionBudgets, services, statefulSets } from './resource-types.ts';

export interface ChildKind<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly keep: (object: T) => T;
}

const childKind = <T extends KubeObject>(type: ResourceType<T>, keep: (object: T) => T): ChildKind<T> => ({ type, keep });

/** By the name of the cache. */
export const childKinds = {
  configMaps: childKind(configMaps, keepConfigMap),
  services: childKind(services, keepService),
  networkPolicies: childKind(networkPolicies, keepSpec),
  podDisruptionBudgets: childKind(podDisruptionBudgets, keepSpec),
  statefulSets: childKind(statefulSets, keepStatefulSet),
} as const;

export type ChildKindName = keyof typeof childKinds;
export type ChildOf<K extends ChildKindName> = (typeof childKinds)[K] extends ChildKind<infer T> ? T : never;

export const childKindNames = Object.keys(childKinds) as readonly ChildKindName[];

/** The kinds that only some networks ask for. The controller may lack the rights to them; those to the others it always has. */
export const optionalKinds = ['configMaps', 'networkPolicies', 'podDisruptionBudgets'] as const;
export type OptionalKind = (typeof optionalKinds)[number];

/** The kinds that the controller may be without; the experiments are no objects of a network. */
export const withoutKinds = [...optionalKinds, 'bitcoinExperiments'] as const;
export type WithoutKind = (typeof withoutKinds)[number];
