// What the client needs to know about a resource: its place in the API, and the few fields that all objects have.

/**
 * The fields that every Kubernetes object has, as on the wire: times are strings. The types of client-node are assignable to it,
 * but their `Date` fields hold strings in the objects that this client returns.
 */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: {
    name?: string;
    generateName?: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: OwnerReference[];
  };
}

/** A reference to an owner, in the same namespace or without one. Upstream: metav1.OwnerReference. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** A resource of the API. `T` is the type of its objects. */
export interface ResourceType<T extends KubeObject = KubeObject> {
  /** '' for the core group. */
  readonly group: string;
  /** Such as `v1`. */
  readonly version: string;
  /** The name in URLs and rights, such as `configmaps`. */
  readonly plural: string;
  /** Such as `ConfigMap`. */
  readonly kind: string;
  /** Whether its objects lie in namespaces. */
  readonly namespaced: boolean;
  /** Never set; it lets the compiler infer `T`. */
  readonly __type?: T;
}

/** The name of an object, and its namespace unless its resource has none. */
export interface ObjectName {
  readonly namespace?: string;
  readonly name: string;
}

/** A collection, or a page of it: there are more pages as long as `metadata.continue` is a text that is not empty. */
export interface KubeList<T> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: T[];
}

/** "namespace/name", or "name" for an object without a namespace. Upstream: cache.MetaNamespaceKeyFunc. */
export function keyOf(object: KubeObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The owner reference with `controller: true`. Upstream: metav1.GetControllerOf. */
export function controllerOf({
  metadata,
}: {
  readonly metadata?: { readonly ownerReferences?: readonly OwnerReference[] };
}): OwnerReference | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller === true);
}

/** "group/version", or "version" in the core group. */
export function apiVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

/** The URL path of one object, or without a name of the collection. @throws TypeError if a segment is empty or leads elsewhere */
export function resourcePath(
  type: ResourceType,
  at: { namespace?: string | undefined; name?: string; subresource?: string | undefined },
): string {
  const segments = type.group === '' ? ['api', type.version] : ['apis', type.group, type.version];
  if (type.namespaced && at.namespace !== undefined && at.namespace !== '') segments.push('namespaces', at.namespace);
  else if (type.namespaced && at.name !== undefined) throw new TypeError(`${type.plural} ${at.name}: a namespace is required`);
  segments.push(type.plural);
  if (at.name !== undefined) segments.push(at.name);
  if (at.subresource !== undefined) segments.push(at.subresource);
  // A name may come from a user's spec and must not lead to another path.
  const astray = segments.find(segment => segment === '' || segment === '.' || segment === '..');
  if (astray !== undefined) throw new TypeError(`${type.plural}: "${astray}" is not a valid name`);
  return `/${segments.map(encodeURIComponent).join('/')}`;
}
