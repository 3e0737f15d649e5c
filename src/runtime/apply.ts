// Makes an object of the cluster equal to what it should be, changes by server-side apply, and leaves alone what others own.
// Before it: reconcile.ts with an object from bitcoin/resources.ts. After it: kube-client.ts.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { apiStatusCode, isAlreadyExists, isNotFound } from '../kube/api-error.ts';
import { appliedAnnotation as digestAnnotation } from '../bitcoin/api/names.ts';
import type { KubeClient } from '../kube/client.ts';
import { controllerOf, keyOf, type ResourceType } from '../kube/resource.ts';
import { claimCreatedFields } from './managed-fields.ts';
import type { Repairs } from './drift-backoff.ts';
import type { KubernetesObject } from '@kubernetes/client-node';

export const fieldManager = 'bitcoin-controller';

export type Applied<T> =
  | { readonly outcome: 'created' | 'unchanged'; readonly object: T }
  | { readonly outcome: 'updated' | 'recreated'; readonly object: T; readonly previous: T }
  /** An object of that name exists and has another owner; it is not touched. */
  | { readonly outcome: 'taken'; readonly message: string }
  /** What exists is on its way out: an earlier network's of the same name, or what an immutable field made us delete. */
  | { readonly outcome: 'pending' }
  /** The API server refuses it, or a policy or webhook of the cluster does: not thrown, as the rest of a network can be seen to. */
  | { readonly outcome: 'failed'; readonly message: string; readonly error: unknown }
  /** It was put right often, and somebody has changed it each time; it may be put right again after `waitMs`. */
  | { readonly outcome: 'contested'; readonly object: T; readonly message: string; readonly waitMs: number };

/** What a change makes of an object. */
export type Changed = 'created' | 'updated' | 'recreated';

export interface ApplyOptions<T> {
  readonly signal?: AbortSignal;
  /** Annotations that are written along with a change, and are no reason for one: what is said about it. */
  readonly annotate?: (what: Changed, previous: T | undefined) => Readonly<Record<string, string>>;
  /** How often what others change is put right; without a limit unless given. */
  readonly repairs?: Repairs;
  /** Told when an object has been deleted to be made anew, which may take another call. */
  readonly onReplacing?: (previous: T) => void;
  /** What an earlier call told of so, as long as it is not there again. */
  readonly replaced?: T | undefined;
}

/**
 * Creates `desired`, or changes what exists until every field that it has is as it says.
 * @param current what is known to exist, undefined if nothing is
 * @throws what keeps the API server from being asked: no connection, a lost lease, an aborted signal
 */
export async function apply<T extends KubernetesObject>(
  client: KubeClient,
  type: ResourceType<T>,
  desired: T,
  current: T | undefined,
  options: ApplyOptions<T> = {},
): Promise<Applied<T>> {
  const wanted = withDigest(desired);
  try {
    return await (current === undefined ? create(client, type, wanted, options) : change(client, type, wanted, current, options));
  } catch (error) {
    if (apiStatusCode(error) === undefined || !(error instanceof Error)) throw error;
    return { outcome: 'failed', message: error.message, error };
  }
}

async function create<T extends KubernetesObject>(
  client: KubeClient,
  type: ResourceType<T>,
  wanted: T,
  options: ApplyOptions<T>,
): Promise<Applied<T>> {
  const { replaced } = options;
  const annotated = withAnnotations(wanted, options.annotate?.(replaced === undefined ? 'created' : 'recreated', replaced));
  try {
    // To do it again does no harm: it is there already then, and as it should be.
    const object = await client.create(type, annotated, { fieldManager, isIdempotent: true, ...options });
    return replaced === undefined ? { outcome: 'created', object } : { outcome: 'recreated', object, previous: replaced };
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    // Not in the cache: made a moment ago, or somebody took our label off it, or it belongs to somebody else.
    const current = await getIfThere(client, type, wanted, options);
    return current === undefined ? { outcome: 'pending' } : change(client, type, wanted, current, options);
  }
}

/** Undefined for what has gone since it was in the way. */
async function getIfThere<T extends KubernetesObject>(
  client: KubeClient,
  type: ResourceType<T>,
  wanted: T,
  options: ApplyOptions<T>,
): Promise<T | undefined> {
  try {
    return await client.get(type, nameOf(wanted), options);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function change<T extends KubernetesObject>(
  client: KubeClient,
  type: ResourceType<T>,
  wanted: T,
  current: T,
  options: ApplyOptions<T>,
): Promise<Applied<T>> {
  if (!isControlledBySame(wanted, current) && !isAbandoned(wanted, current))
    return hasFormerOwner(wanted, current) ? { outcome: 'pending' } : taken(type, current);
  if (current.metadata?.deletionTimestamp !== undefined) return { outcome: 'pending' };
  if (holds(wanted, current)) return { outcome: 'unchanged', object: current };
  const waitMs = options.repairs?.take(repairKey(type, keyOf(wanted)), digestOf(wanted)) ?? 0;
  if (waitMs > 0) return contested(type, current, waitMs);
  const { signal } = options;
  await claimCreatedFields(client, type, nameOf(current), { manager: fieldManager, signal });
  try {
    const annotated = withAnnotations(wanted, options.annotate?.('updated', current));
    const object = await client.apply(type, annotated, { fieldManager, force: true, ...options });
    return { outcome: 'updated', object, previous: current };
  } catch (error) {
    if (apiStatusCode(error) !== 422 || !(await couldBeCreated(client, type, wanted, options))) throw error;
    // An immutable field differs, as in a StatefulSet that an older controller made. Its pods stay and are adopted by the new one.
    await orphan(client, type, current, options);
    options.onReplacing?.(current);
    return create(client, type, wanted, { ...options, replaced: current });
  }
}

/** Deletes this very object and leaves alone what it owns. Gone already, as after a lost answer, is as good. */
async function orphan<T extends KubernetesObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: T,
  options: ApplyOptions<T>,
): Promise<void> {
  const uid = object.metadata?.uid;
  const preconditions = uid === undefined ? {} : { preconditions: { uid } };
  try {
    await client.delete(type, nameOf(object), { propagationPolicy: 'Orphan', ...preconditions, ...options });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/**
 * Whether the API server would take the object if its name were free. If not, what it refuses is not the change of an immutable field
 * (a policy may answer with the same code), and to replace the object would only lose it.
 */
async function couldBeCreated<T extends KubernetesObject>(
  client: KubeClient,
  type: ResourceType<T>,
  wanted: T,
  options: ApplyOptions<T>,
): Promise<boolean> {
  try {
    await client.create(type, wanted, { fieldManager, isIdempotent: true, isDryRun: true, ...options });
    return true;
  } catch (error) {
    // Whether it is valid and allowed is looked at before its name is.
    if (isAlreadyExists(error)) return true;
    if (apiStatusCode(error) === undefined) throw error;
    return false;
  }
}

const nameOf = ({ metadata }: KubernetesObject) => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });

const isControlledBySame = (wanted: KubernetesObject, current: KubernetesObject): boolean =>
  controllerOf(wanted)?.uid === controllerOf(current)?.uid;

/**
 * Made by a controller like this one for a network of the same name, and owned by nobody now: somebody took its owner away, or deleted
 * the network with `--cascade=orphan`.
 */
const isAbandoned = (wanted: KubernetesObject, current: KubernetesObject): boolean =>
  controllerOf(current) === undefined && digestOf(current) !== '' && holds(wanted.metadata?.labels, current.metadata?.labels);

/** The owner was a network of the same name that has been deleted: its children go in a moment. */
function hasFormerOwner(wanted: KubernetesObject, current: KubernetesObject): boolean {
  const [now, before] = [controllerOf(wanted), controllerOf(current)];
  return now !== undefined && before?.apiVersion === now.apiVersion && before.kind === now.kind && before.name === now.name;
}

function taken<T extends KubernetesObject>(type: ResourceType<T>, current: T): Applied<T> {
  const owner = controllerOf(current);
  const whose = owner === undefined ? 'it has no owner' : `it belongs to ${owner.kind} ${owner.name} (uid ${owner.uid})`;
  return {
    outcome: 'taken',
    message: `${type.kind} ${keyOf(current)} exists and is not this network's: ${whose}. Delete or rename it`,
  };
}

function contested<T extends KubernetesObject>(type: ResourceType<T>, current: T, waitMs: number): Applied<T> {
  const message =
    `Somebody changes ${type.kind} ${keyOf(current)} again whenever it is put right; it is left alone for a while. ` +
    `Its managed fields say who: kubectl get ${type.plural} ${current.metadata?.name ?? ''} -o yaml --show-managed-fields`;
  return { outcome: 'contested', object: current, message, waitMs };
}

/** Names an object among all that are repaired. */
const repairKey = ({ plural }: Pick<ResourceType, 'plural'>, key: string): string => `${plural}/${key}`;

const digestOf = ({ metadata }: KubernetesObject): string => metadata?.annotations?.[digestAnnotation] ?? '';

function withDigest<T extends KubernetesObject>(desired: T): T {
  const digest = createHash('sha256').update(JSON.stringify(desired)).digest('base64url').slice(0, 16);
  return withAnnotations(desired, { [digestAnnotation]: digest });
}

const withAnnotations = <T extends KubernetesObject>(object: T, annotations: Readonly<Record<string, string>> = {}): T => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, ...annotations } },
});

/**
 * Whether `actual` has every field of `wanted` with its value. What `actual` has besides is the API server's defaults or
 * somebody else's. Lists whose items have names are compared by name, as server-side apply merges them.
 */
export function holds(wanted: unknown, actual: unknown): boolean {
  if (Array.isArray(wanted)) return Array.isArray(actual) && holdsList(wanted, actual);
  if (typeof wanted !== 'object' || wanted === null) return wanted === actual;
  if (typeof actual !== 'object' || actual === null) return isEmpty(wanted) && actual === undefined;
  return Object.entries(wanted).every(
    ([key, value]) => value === undefined || holdsField(key, value, (actual as Record<string, unknown>)[key]),
  );
}

/** A selector is one value: a label more selects other pods. */
const holdsField = (key: string, wanted: unknown, actual: unknown): boolean =>
  key === 'selector' ? isDeepStrictEqual(wanted, actual) : holds(wanted, actual);

function holdsList(wanted: readonly unknown[], actual: readonly unknown[]): boolean {
  if (wanted.every(hasName))
    // Others may have items of the same name: a volume mounted twice, an owner of another kind.
    return wanted.every(item => actual.some(other => holds(item, other)));
  return wanted.length === actual.length && wanted.every((item, index) => holds(item, actual[index]));
}

const hasName = (item: unknown): item is { readonly name: unknown } =>
  typeof item === 'object' && item !== null && 'name' in item;

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;
