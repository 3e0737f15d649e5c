// What the caches keep of each object: the fields that the controller reads, and no others. A field that is missing here reads as absent.
import type { V1ConfigMap, V1Pod, V1Service, V1StatefulSet } from '@kubernetes/client-node';
import {
  type BitcoinNetwork,
  bitcoinNetworkFields,
  type BitcoinNetworkSpec,
  mistypedField,
} from '../bitcoin/api/bitcoin-network.ts';
import {
  appliedAnnotation,
  groupLabel,
  lastEventAnnotation,
  managedByLabel,
  networkLabel,
  ownedClaimsAnnotation,
  pausedAnnotation,
  revisionLabel,
} from '../bitcoin/api/names.ts';
import { oversizedPart } from '../bitcoin/api/spec-size.ts';
import type { KubeObject } from '../kube/resource.ts';
import { definedOnly } from '../collections/defined-only.ts';
import { shortened } from '../logging/short-text.ts';
import { keepMetadata, maxAnnotationLength, picked, withinBytes } from '../runtime/transform.ts';

/**
 * A larger spec of a Service or StatefulSet is not the controller's: it is kept as absent, which the comparison with the desired state takes
 * for drift. The largest that the controller applies has two pod templates (spec-size.ts) with the defaults of the API server, 64 KiB, and
 * two times 48 arguments of 256 bytes.
 */
const maxSpecBytes = 112 * 1024;
/** The status of a network with 1,000 nodes and the longest messages. Only the controller may write it. */
const maxStatusBytes = 1024 * 1024;

const maxMessageBytes = 1024;
const maxIngress = 4;

const ownMetadata = {
  labels: [networkLabel, managedByLabel, groupLabel],
  annotations: [appliedAnnotation, lastEventAnnotation, ownedClaimsAnnotation],
};

/** A network's name, its spec and status, and whether it is paused. */
export function keepNetwork({ apiVersion, kind, metadata, spec, status }: BitcoinNetwork): BitcoinNetwork {
  const kept = {
    metadata: keepMetadata(metadata, { annotations: [pausedAnnotation] }),
    ...keepNetworkSpec(spec),
    status: status && withinBytes(picked(status, bitcoinNetworkFields.status), maxStatusBytes),
  };
  return { apiVersion, kind, ...definedOnly(kept) } as unknown as BitcoinNetwork;
}

/** The fields of the schema. Of a spec that is too large or malformed, those that are always small, and why the others are missing. */
function keepNetworkSpec(whole: BitcoinNetworkSpec | undefined): Pick<BitcoinNetwork, 'spec' | 'unusableSpec'> {
  // The API server prunes unknown fields, and refuses mistyped ones, only where the definition is the chart's.
  const spec = picked(whole ?? {}, bitcoinNetworkFields.spec) as unknown as BitcoinNetworkSpec;
  const mistyped = mistypedField(whole);
  if (mistyped !== undefined)
    return { spec: { nodes: 0 }, unusableSpec: { reason: 'SpecMalformed', message: shortened(mistyped, maxMessageBytes) } };
  const oversized = oversizedPart(spec);
  if (oversized === undefined) return { spec };
  const small = picked(spec, ['nodes', 'secret']) as unknown as BitcoinNetworkSpec;
  return { spec: small, unusableSpec: { reason: 'SpecTooLarge', message: oversized } };
}

/** What the plan of an apply compares: owner, labels, digest, last event and spec. */
export function keepSpec<T extends KubeObject & { spec?: object }>({ apiVersion, kind, metadata, spec }: T): T {
  const kept = { apiVersion, kind, metadata: keepMetadata(metadata, ownMetadata), spec: spec && withinBytes(spec, maxSpecBytes) };
  return definedOnly(kept) as unknown as T;
}

/** The same of a ConfigMap, whose data are its spec. */
export function keepConfigMap({ apiVersion, kind, metadata, data }: V1ConfigMap): V1ConfigMap {
  const kept = { apiVersion, kind, metadata: keepMetadata(metadata, ownMetadata), data: data && withinBytes(data, maxSpecBytes) };
  return definedOnly(kept);
}

/** As keepSpec, and the annotations, and the addresses that a load balancer has given to the Service. */
export function keepService(service: V1Service): V1Service {
  const ingress = service.status?.loadBalancer?.ingress
    ?.slice(0, maxIngress)
    .map(({ ip, hostname }) => definedOnly({ ip, hostname }));
  const { metadata, ...kept } = keepSpec(service);
  // The spec of a network gives some Services annotations of its own; what others add is ignored.
  const annotations = shortestWithin(service.metadata?.annotations, maxAnnotationLength);
  return {
    ...kept,
    metadata: { ...metadata, annotations: { ...annotations, ...metadata?.annotations } },
    ...(ingress === undefined ? {} : { status: { loadBalancer: { ingress } } }),
  };
}

/** As many as fit, the shortest first: a long one of another writer does not displace those of the spec. */
function shortestWithin(annotations: Readonly<Record<string, string>> = {}, mostBytes: number): Record<string, string> {
  let bytes = 0;
  const sized = Object.entries(annotations).map(entry => ({ entry, size: Buffer.byteLength(JSON.stringify(entry)) }));
  const kept = sized.toSorted((one, other) => one.size - other.size).filter(({ size }) => (bytes += size) <= mostBytes);
  return Object.fromEntries(kept.map(({ entry }) => entry));
}

/**
 * As keepSpec, and which generation of it its controller has seen: before that, no pod of it is missing. With the revisions it shows which
 * pods are up to date.
 */
export function keepStatefulSet({ apiVersion, kind, metadata, spec, status }: V1StatefulSet): V1StatefulSet {
  const { observedGeneration, currentRevision, updateRevision } = status ?? {};
  const kept = {
    ...{ apiVersion, kind, metadata: keepMetadata(metadata, ownMetadata), spec: spec && withinBytes(spec, maxSpecBytes) },
    status:
      observedGeneration === undefined
        ? undefined
        : { replicas: status?.replicas ?? 0, ...definedOnly({ observedGeneration, currentRevision, updateRevision }) },
  };
  return definedOnly(kept);
}

/** A tenth of a pod, which counts with thousands of them: its owner, its revision, its address, its phase and whether it is ready. */
export function keepPod({ apiVersion, kind, metadata, status }: V1Pod): V1Pod {
  const conditions = status?.conditions
    ?.filter(({ type }) => type === 'Ready')
    .slice(0, 1)
    .map(({ type, status: value }) => ({ type, status: value }));
  const kept = {
    metadata: keepMetadata(metadata, { labels: [networkLabel, managedByLabel, groupLabel, revisionLabel] }),
    status: definedOnly({ podIP: status?.podIP, hostIP: status?.hostIP, phase: status?.phase, conditions }),
  };
  return { ...definedOnly({ apiVersion, kind }), ...kept };
}
