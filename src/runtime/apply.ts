// Makes an object of the cluster equal to its desired state, in two moves: `plan` decides (pure), `execute` does it. Changes go by
//   server-side apply, and leave fields and objects of other owners alone.
import { apiStatusCode, isAlreadyExists, isNotFound } from '../kube/api-error.ts';
import type { KubeClient } from '../kube/client.ts';
import { controllerOf, keyOf, type KubeObject, type ResourceType } from '../kube/resource.ts';
import { digestOf, withDigest } from './digest.ts';
import { holds } from './field-comparison.ts';
import { claimCreatedFields } from './managed-fields.ts';

/** What apply needs of a KubeClient. */
export type ApplyClient = Pick<KubeClient, 'get' | 'create' | 'apply' | 'patch' | 'delete'>;

/** What is known about an object that is to be applied. */
export interface Known<T> {
  /** Undefined if the object does not exist. */
  readonly current: T | undefined;
  /** The API server refused to change an immutable field of `current`. */
  readonly isImmutable?: boolean | undefined;
  /** The object that was deleted so that it could be recreated, until it has been. */
  readonly replaced?: T | undefined;
  /** `current` differs from what is desired in nothing but what admission made of our own write; see admitted-fields.ts. */
  readonly isAdmitted?: boolean | undefined;
}

/** What is to be done about an object, by `kind`. */
export type Plan<T> =
  | { readonly kind: 'create'; readonly desired: T; readonly replaced?: T | undefined }
  | { readonly kind: 'update'; readonly desired: T; readonly current: T }
  /** Delete the object and leave alone what it owns; the next round creates it again. */
  | { readonly kind: 'replace'; readonly current: T }
  | { readonly kind: 'none'; readonly current: T }
  /** An object of that name exists and has another owner. */
  | { readonly kind: 'taken'; readonly message: string }
  /** The object that exists is being deleted, or will be with its former owner. */
  | { readonly kind: 'pending'; readonly message: string }
  /** Another writer keeps changing the object: its drift may be reverted again after `waitMs`. */
  | { readonly kind: 'contested'; readonly current: T; readonly message: string; readonly waitMs: number };

/** What became of an object, by `outcome`. */
export type Applied<T> =
  | { readonly outcome: 'created' | 'unchanged'; readonly object: T }
  | { readonly outcome: 'updated' | 'recreated'; readonly object: T; readonly previous: T }
  | { readonly outcome: 'taken'; readonly message: string }
  /** The object that is in the way is being deleted; the message names what holds it. Without one: it has just been deleted. */
  | { readonly outcome: 'pending'; readonly message?: string }
  /** The API server, a policy or a webhook of the cluster refuses the change. A value, because the rest of a reconcile can continue. */
  | { readonly outcome: 'failed'; readonly message: string; readonly error: unknown }
  | { readonly outcome: 'contested'; readonly object: T; readonly message: string; readonly waitMs: number };

/** The plan did not fit any more; plan again with this. */
export interface Replan<T> {
  readonly outcome: 'replan';
  readonly known: Known<T>;
}

/** Options of `plan`. */
export interface PlanOptions {
  /** The annotation of `withDigest`. */
  readonly digestAnnotation: string;
  /** How long drift may not be reverted yet; see DriftBackoff. Default: 0. */
  readonly driftWaitMs?: number;
}

/**
 * Decides what to do about an object. Pure.
 * @param desired with its digest (`withDigest`)
 */
export function plan<T extends KubeObject>(
  type: ResourceType<T>,
  desired: T,
  { current, isImmutable = false, replaced, isAdmitted = false }: Known<T>,
  { digestAnnotation, driftWaitMs = 0 }: PlanOptions,
): Plan<T> {
  if (current === undefined) return { kind: 'create', desired, replaced };
  if (!isControlledBySame(desired, current) && !isAbandoned(desired, current, digestAnnotation))
    return hasFormerOwner(desired, current)
      ? { kind: 'pending', message: pendingMessage(type, current) }
      : { kind: 'taken', message: takenMessage(type, desired, current) };
  if (isBeingDeleted(current)) return { kind: 'pending', message: pendingMessage(type, current) };
  if (isAdmitted || holds(desired, current)) return { kind: 'none', current };
  if (isImmutable) return { kind: 'replace', current };
  if (driftWaitMs > 0) return { kind: 'contested', current, message: contestedMessage(type, current), waitMs: driftWaitMs };
  return { kind: 'update', desired, current };
}

/** Options of `execute` and `apply`. */
export interface ExecuteOptions {
  /** The owner of the fields, as server-side apply names it. */
  readonly fieldManager: string;
  /** Fields of other writers that a recreated object is created with, as keys of `fieldsV1` (`f:spec`, `f:replicas`). An apply leaves them alone. Default: none. */
  readonly foreign?: readonly (readonly string[])[] | undefined;
  /**
   * Whether an object is deleted (what it owns is kept) and created again when the API server refuses to change an immutable field of it. Data
   * that goes with the object is lost. Default: false; the outcome is then `failed`.
   */
  readonly recreate?: boolean | undefined;
  /** Aborts the calls; `execute` then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does what was planned.
 * @returns what became of the object, or what to plan again with: the object exists although it was not known, or must be replaced
 * @throws an error that is no answer of the API server: no connection, a lost lease, an aborted signal
 */
export async function execute<T extends KubeObject>(
  client: ApplyClient,
  type: ResourceType<T>,
  planned: Plan<T>,
  options: ExecuteOptions,
): Promise<Applied<T> | Replan<T>> {
  try {
    switch (planned.kind) {
      case 'create':
        return await create(client, type, planned, options);
      case 'update':
        return await update(client, type, planned, options);
      case 'replace':
        await orphan(client, type, planned.current, options);
        return { outcome: 'replan', known: { current: undefined, replaced: planned.current } };
      case 'none':
        return { outcome: 'unchanged', object: planned.current };
      case 'taken':
        return { outcome: 'taken', message: planned.message };
      case 'pending':
        return { outcome: 'pending', message: planned.message };
      case 'contested': {
        const { current, message, waitMs } = planned;
        return { outcome: 'contested', object: current, message, waitMs };
      }
    }
  } catch (error) {
    if (apiStatusCode(error) === undefined || !(error instanceof Error)) throw error;
    return { outcome: 'failed', message: error.message, error };
  }
}

/** More rounds than this only follow one another if another writer deletes and creates the object in between. */
export const maxRounds = 6;

/**
 * Plans and executes until the object is as desired, or cannot be for now. For callers that have nothing to add to the plan.
 * Upstream: controller-runtime controllerutil.CreateOrPatch, with server-side apply; like that, it deletes nothing unless `recreate` is set.
 * @param desired with its namespace and name; without the digest, which this adds
 * @param current the object as an informer has it; undefined if it has none, and it is created unless it exists after all
 * @throws ApiError if the API server refuses the change; or another error: no connection, a lost lease, an aborted signal
 */
export async function apply<T extends KubeObject>(
  client: ApplyClient,
  type: ResourceType<T>,
  desired: T,
  current: T | undefined,
  options: ExecuteOptions & PlanOptions,
): Promise<Exclude<Applied<T>, { readonly outcome: 'failed' }>> {
  const wanted = withDigest(desired, options.digestAnnotation);
  let known: Known<T> = { current };
  for (let round = 1; round <= maxRounds; round += 1) {
    const executed = await execute(client, type, plan(type, wanted, known, options), options);
    if (executed.outcome === 'failed') throw executed.error;
    if (executed.outcome !== 'replan') return executed;
    known = executed.known;
  }
  return { outcome: 'pending' };
}

async function create<T extends KubeObject>(
  client: ApplyClient,
  type: ResourceType<T>,
  { desired, replaced }: { readonly desired: T; readonly replaced?: T | undefined },
  { fieldManager, signal }: ExecuteOptions,
): Promise<Applied<T> | Replan<T>> {
  try {
    // A retry does no harm: the object exists then, and is as desired.
    const object = await client.create(type, desired, { fieldManager, isIdempotent: true, isStrict: true, signal });
    return replaced === undefined ? { outcome: 'created', object } : { outcome: 'recreated', object, previous: replaced };
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    // Not in the cache: just created, or without the label that the cache selects, or another owner's.
    const current = await getIfExists(client, type, desired, signal);
    return current === undefined ? { outcome: 'pending' } : { outcome: 'replan', known: { current, replaced } };
  }
}

async function update<T extends KubeObject>(
  client: ApplyClient,
  type: ResourceType<T>,
  { desired, current }: { readonly desired: T; readonly current: T },
  { fieldManager, foreign = [], recreate = false, signal }: ExecuteOptions,
): Promise<Applied<T> | Replan<T>> {
  await claimCreatedFields(client, type, nameOf(current), { manager: fieldManager, foreign, signal });
  try {
    const object = await client.apply(type, desired, { fieldManager, force: true, signal });
    const version = object.metadata?.resourceVersion;
    // Nothing was written: `desired` has fields with their zero values, which the API server leaves out.
    if (version !== undefined && version === current.metadata?.resourceVersion) return { outcome: 'unchanged', object };
    return { outcome: 'updated', object, previous: current };
  } catch (error) {
    if (!recreate || apiStatusCode(error) !== 422 || !(await couldBeCreated(client, type, desired, { fieldManager, signal })))
      throw error;
    return { outcome: 'replan', known: { current, isImmutable: true } };
  }
}

/** Undefined if the object has been deleted since it was in the way. */
export async function getIfExists<T extends KubeObject>(
  client: ApplyClient,
  type: ResourceType<T>,
  object: T,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  try {
    return await client.get(type, nameOf(object), { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Deletes exactly this object, and not what it owns. An object that is gone already, as after a lost answer, is no error. */
async function orphan<T extends KubeObject>(
  client: ApplyClient,
  type: ResourceType<T>,
  object: T,
  { signal }: ExecuteOptions,
): Promise<void> {
  const uid = object.metadata?.uid;
  const preconditions = uid === undefined ? {} : { preconditions: { uid } };
  try {
    await client.delete(type, nameOf(object), { propagationPolicy: 'Orphan', ...preconditions, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/**
 * Whether the API server would accept the object if its name were free. If it would not, the refused change is not that of an immutable
 * field (a policy may answer with the same code), and to replace the object would only lose it.
 */
async function couldBeCreated<T extends KubeObject>(
  client: ApplyClient,
  type: ResourceType<T>,
  desired: T,
  { fieldManager, signal }: ExecuteOptions,
): Promise<boolean> {
  try {
    await client.create(type, desired, { fieldManager, isIdempotent: true, isStrict: true, isDryRun: true, signal });
    return true;
  } catch (error) {
    // The API server checks whether the object is valid and allowed before it checks the name.
    if (isAlreadyExists(error)) return true;
    if (apiStatusCode(error) === undefined) throw error;
    return false;
  }
}

const nameOf = ({ metadata }: KubeObject) => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });

const isBeingDeleted = ({ metadata }: KubeObject): boolean =>
  (metadata as { readonly deletionTimestamp?: unknown } | undefined)?.deletionTimestamp !== undefined;

const isControlledBySame = (desired: KubeObject, current: KubeObject): boolean =>
  controllerOf(desired)?.uid === controllerOf(current)?.uid;

/**
 * Created by a controller like this one for an owner of the same name, and without an owner now: another writer removed the owner reference,
 * or deleted the owner with `--cascade=orphan`.
 */
const isAbandoned = (desired: KubeObject, current: KubeObject, digestAnnotation: string): boolean =>
  controllerOf(current) === undefined &&
  digestOf(current, digestAnnotation) !== '' &&
  holds(desired.metadata?.labels, current.metadata?.labels);

/** The owner had the same name and has been deleted: the garbage collector deletes the object in a moment. */
function hasFormerOwner(desired: KubeObject, current: KubeObject): boolean {
  const [now, before] = [controllerOf(desired), controllerOf(current)];
  return now !== undefined && before?.apiVersion === now.apiVersion && before.kind === now.kind && before.name === now.name;
}

function takenMessage<T extends KubeObject>(type: ResourceType<T>, desired: T, current: T): string {
  const [wanted, owner] = [controllerOf(desired), controllerOf(current)];
  const whose = owner === undefined ? 'it has no owner' : `it belongs to ${owner.kind} ${owner.name} (uid ${owner.uid})`;
  const ours = wanted === undefined ? 'is not ours' : `does not belong to this ${wanted.kind}`;
  return `${type.kind} ${keyOf(current)} exists and ${ours}: ${whose}. Delete or rename it`;
}

function pendingMessage<T extends KubeObject>(type: ResourceType<T>, current: T): string {
  const { finalizers = [] } = (current.metadata ?? {}) as { readonly finalizers?: readonly string[] };
  const owner = controllerOf(current);
  const whose = owner === undefined ? '' : ` of ${owner.kind} ${owner.name} (uid ${owner.uid})`;
  const what = `${type.kind} ${keyOf(current)}${whose}`;
  if (!isBeingDeleted(current)) return `${what} is left from before, and the garbage collector has yet to delete it`;
  const held = finalizers.length === 0 ? '' : `; its finalizers are ${finalizers.slice(0, 5).join(', ')}`;
  return `${what} is being deleted${held}`;
}

const contestedMessage = <T extends KubeObject>(type: ResourceType<T>, current: T): string =>
  `Another writer keeps changing ${type.kind} ${keyOf(current)}; repairs are backing off. ` +
  `Its managed fields name the writer: kubectl get ${type.plural} ${current.metadata?.name ?? ''} -o yaml --show-managed-fields`;
