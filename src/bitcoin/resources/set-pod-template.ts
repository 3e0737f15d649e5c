// What a set's nodes have besides bitcoind itself: the controller's own template for all pods, with the settings of the network merged over it.
//   Maps merge by key, lists and scalars replace; securityContext merges by field. (The same rules as from network to group.)
//   Labels and annotations that the controller or a StatefulSet sets are left out, also on pods that have none of them: the label of a group
//   would hide the nodes that are in no group.
//   A default request or limit gives way if it contradicts what the network sets for the same resource: 2Gi requested have no limit of 1Gi.
//   With a serviceAccountName the pods still get no token: bitcoind needs none. A container that does mounts a projected volume.
import type { V1Container, V1PodSpec, V1ResourceRequirements, V1Volume } from '@kubernetes/client-node';
import type { NodeSettings } from '../api/node-settings.ts';
import type { NetworkPodTemplate } from '../api/pod-template.ts';
import { definedOnly } from '../../collections/defined-only.ts';
import type { NodeSet } from './node-sets.ts';
import { isReserved, type PodTemplate } from './pod-template.ts';
import { canonicalQuantity, compareQuantities } from './quantity.ts';

type Quantities = Readonly<Record<string, string | number>>;

type Given = NonNullable<NetworkPodTemplate['spec']>;

/** The parts of a pod template that the controller's configuration and the spec decide. Fields that neither sets are absent. */
export interface SetPodTemplate {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly resources: V1ResourceRequirements;
  readonly dataSizeLimit: string;
  /** The node selector and what may follow it in a pod's spec. */
  readonly scheduling: Pick<
    V1PodSpec,
    'nodeSelector' | 'tolerations' | 'affinity' | 'topologySpreadConstraints' | 'priorityClassName' | 'runtimeClassName'
  > &
    Pick<V1PodSpec, 'schedulerName' | 'serviceAccountName' | 'serviceAccount' | 'imagePullSecrets'>;
  readonly securityContext: object;
  readonly terminationGracePeriodSeconds: number | undefined;
  readonly initContainers: V1Container[];
  readonly containers: V1Container[];
  readonly volumes: V1Volume[];
}

/** Pure. `defaults` is the controller's own template (`--bitcoind-pod-template`). */
export function setPodTemplateOf({ settings }: NodeSet, defaults: PodTemplate): SetPodTemplate {
  const { metadata, spec = {} } = settings.podTemplate ?? {};
  // Fields without a schema of ours: the API server checks them, and the network reports what it refuses.
  const given = withoutNulls(spec) as typeof spec;
  return {
    labels: { ...defaults.labels, ...filtered(metadata?.labels, key => !isReserved(key)) },
    annotations: { ...defaults.annotations, ...filtered(metadata?.annotations, key => !isReserved(key)) },
    resources: mergedOverDefaults(settings.resources, defaults.resources),
    dataSizeLimit: defaults.dataSizeLimit,
    scheduling: schedulingOf(given, defaults),
    securityContext: { ...defaults.securityContext, ...given.securityContext },
    terminationGracePeriodSeconds: given.terminationGracePeriodSeconds,
    initContainers: (given.initContainers ?? []).map(canonicalContainer),
    containers: (given.containers ?? []).map(canonicalContainer),
    volumes: given.volumes ?? [],
  };
}

function schedulingOf(given: Given, defaults: PodTemplate): SetPodTemplate['scheduling'] {
  const { affinity, topologySpreadConstraints, priorityClassName, runtimeClassName, schedulerName, serviceAccountName } = given;
  const tolerations = given.tolerations ?? defaults.tolerations;
  const imagePullSecrets = given.imagePullSecrets ?? defaults.imagePullSecrets.map(name => ({ name }));
  return {
    // bitcoind's images are for Linux alone.
    nodeSelector: { 'kubernetes.io/os': 'linux', ...defaults.nodeSelector, ...given.nodeSelector },
    ...definedOnly({
      tolerations: nonEmpty(tolerations),
      imagePullSecrets: nonEmpty(imagePullSecrets),
      affinity,
      topologySpreadConstraints: nonEmpty(topologySpreadConstraints),
      priorityClassName,
      runtimeClassName,
      schedulerName,
      serviceAccountName,
      // The API server copies the name to this alias, and an empty name from it: an apply that owned the name alone could not remove it.
      serviceAccount: serviceAccountName,
    }),
  };
}

/** The API server leaves out a list that is empty. */
const nonEmpty = <T>(list: T[] | undefined): T[] | undefined => (list?.length === 0 ? undefined : list);

function mergedOverDefaults(given: NodeSettings['resources'], defaults: PodTemplate['resources']): V1ResourceRequirements {
  if (given === undefined) return defaults;
  const own = { requests: canonical(given.requests), limits: canonical(given.limits) };
  const requests = {
    ...filtered(defaults.requests, (resource, request) => isInOrder(request, own.limits?.[resource])),
    ...own.requests,
  };
  const limits = {
    ...filtered(defaults.limits, (resource, limit) => isInOrder(own.requests?.[resource], limit)),
    ...own.limits,
  };
  return {
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
}

/** Whether both can stand beside each other. What cannot be read here, such as an exponent, is not known to be. */
function isInOrder(request: string | undefined, limit: string | undefined): boolean {
  if (request === undefined || limit === undefined) return true;
  const canBeCompared = canonicalQuantity(request) !== undefined && canonicalQuantity(limit) !== undefined;
  return canBeCompared && compareQuantities(request, limit) <= 0;
}

const filtered = (
  map: Readonly<Record<string, string>> = {},
  isKept: (key: string, value: string) => boolean,
): Record<string, string> => Object.fromEntries(Object.entries(map).filter(([key, value]) => isKept(key, value)));

/** In the form in which the API server returns them; what it returns in another form than here is compared after the write. */
const canonical = (map: Quantities | undefined): Record<string, string> | undefined =>
  map && Object.fromEntries(Object.entries(map).map(([key, value]) => [key, canonicalText(value)]));

const canonicalText = (quantity: string | number): string => canonicalQuantity(String(quantity)) ?? String(quantity);

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * As the API server returns it, as far as people commonly write it otherwise: quantities, empty lists and variables, mounts that are not
 * read-only. What else differs is written once more after a restart of the controller, which changes nothing. A value of another type than in a
 * PodSpec stays as it is: the API server refuses it.
 */
function canonicalContainer(container: V1Container): V1Container {
  const { resources, env, volumeMounts }: Fields = { ...container };
  const canonicalFields = {
    ...(isObject(resources) ? { resources: canonicalResources(resources) } : {}),
    ...(Array.isArray(env) ? { env: env.map(item => withoutDefault(item, 'value', '')) } : {}),
    ...(Array.isArray(volumeMounts) ? { volumeMounts: volumeMounts.map(item => withoutDefault(item, 'readOnly', false)) } : {}),
  };
  const fields = Object.entries({ ...container, ...canonicalFields }).filter(([, value]) => !isEmptyList(value));
  return Object.fromEntries(fields) as unknown as V1Container;
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

const canonicalResources = (resources: Fields): Fields => ({
  ...resources,
  ...definedOnly({ requests: canonicalQuantities(resources['requests']), limits: canonicalQuantities(resources['limits']) }),
});

function canonicalQuantities(map: unknown): unknown {
  if (!isObject(map)) return map;
  const isQuantity = (value: unknown) => typeof value === 'string' || typeof value === 'number';
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, isQuantity(value) ? canonicalText(value) : value]));
}

function withoutDefault(item: unknown, field: string, byDefault: unknown): unknown {
  if (!isObject(item)) return item;
  const { [field]: value, ...others } = item;
  return value === undefined || value === byDefault ? others : { ...others, [field]: value };
}

/** The API server drops a field that is null: left in, it would differ from the object for ever. It does not drop a null of a list. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null && field !== undefined)
      .map(([key, field]) => [key, withoutNulls(field)]),
  );
}
