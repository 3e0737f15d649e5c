// Applies an object that a network owns: plans, stores the event of the change in the object, executes, and publishes what is stored.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { appliedAnnotation, fieldManager } from '../../bitcoin/api/names.ts';
import { isRefused } from '../../kube/api-error.ts';
import type { KubeObject, ResourceType } from '../../kube/resource.ts';
import {
  type Applied,
  type ApplyClient,
  execute,
  getIfExists,
  type Known,
  maxRounds,
  plan,
  type Plan,
} from '../../runtime/apply.ts';
import { digestOf, withAnnotations, withDigest } from '../../runtime/digest.ts';
import { type AdmittedFields, areOwn, differencesOf } from '../../runtime/admitted-fields.ts';
import { holds } from '../../runtime/field-comparison.ts';
import { claimCreatedFields, type FieldPath, managedFieldsOf } from '../../runtime/managed-fields.ts';
import type { EventOutbox, PendingEvent } from '../../runtime/event-outbox.ts';
import type { Changed } from '../events/children.ts';
import type { ChildKindName } from '../child-kinds.ts';
import type { ChildKey, ChildState, Part } from '../network-state.ts';

export interface Child<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly part: ChildKey;
  readonly state: ChildState<T>;
  /** The object in the cache. */
  readonly cached: T | undefined;
  readonly desired: T;
  /** What the digest is made of: without a field that the cluster may drop, as one of a feature that is off. Default: `desired`. */
  readonly digested?: T;
  /**
   * The desired state without the fields that this controller itself changes from time to time: while it stays the same, further writes
   * revert what another writer does. Default: `desired`.
   */
  readonly lasting?: T;
  /** The write is a change of such a field. It reverts nothing. */
  readonly isStep?: boolean;
  /** What a recreated object keeps of the former one. Default: nothing. */
  readonly kept?: Kept<T>;
  /** The event of a change; undefined for none. `isRevert`: nothing else is desired than what was applied last. */
  readonly eventOf: (change: Changed, previous: T | undefined, isRevert: boolean) => PendingEvent | undefined;
}

export interface Kept<T extends KubeObject> {
  /** @param former as the API server has it, or the part of it that is known */
  readonly of: (desired: T, former: T) => T;
  /** The fields of other writers that any recreated object may have. */
  readonly paths: readonly FieldPath[];
  /** Those that this one was created with. */
  readonly pathsIn: (created: T, desired: T) => readonly FieldPath[];
}

/** What became of a child. */
export interface AppliedChild {
  readonly kind: ChildKindName;
  readonly name: string;
  /** Undefined if it was not applied. Failed also if it could not be deleted. */
  readonly applied: Applied<KubeObject> | undefined;
  /** It is not wanted any more. Default: false. */
  readonly isSurplus?: boolean;
}

export interface ChildContext {
  readonly client: ApplyClient;
  readonly network: BitcoinNetwork;
  readonly outbox: EventOutbox<Part>;
  readonly signal: AbortSignal;
}

/** @throws an error that is no answer of the API server: no connection, a lost lease, an aborted signal */
export async function applyChild<T extends KubeObject>(
  { client, network, outbox, signal }: ChildContext,
  child: Child<T>,
): Promise<Applied<T>> {
  const { type, part, state, isStep = false } = child;
  const desired = withAppliedDigest(child.desired, child.digested);
  const lasting = digestOf(withDigest(child.lasting ?? child.desired, appliedAnnotation), appliedAnnotation);
  const options = { digestAnnotation: appliedAnnotation, driftWaitMs: isStep ? 0 : state.drift.waitMs(lasting) };
  const current = state.writes.newest(child.cached);
  const isAdmitted = await isAdmittedByUs({ client, signal }, type, state.admitted, desired, current);
  let known: Known<T> = { current, replaced: state.replaced, isAdmitted };
  let applied: Applied<T> = { outcome: 'pending' };
  let isAnswered = false;
  for (let round = 1; round <= maxRounds; round += 1) {
    const planned = plan(type, desired, known, options);
    const foreign = child.kept?.paths;
    const how = { fieldManager, foreign, recreate: true, signal };
    const wanted = withEvent(network, outbox, child, planned);
    const written = withKept(wanted, child.kept);
    let executed = await execute(client, type, written, how);
    // The former object is gone: one without what it kept is better than none.
    if (written !== wanted && executed.outcome === 'failed' && isRefused(executed.error))
      executed = await execute(client, type, wanted, how);
    // A write that the API server refuses says nothing about other writers.
    if (executed.outcome === 'updated' && !isStep) state.drift.count(lasting);
    if (executed.outcome !== 'replan') {
      applied = executed;
      // Admission may also make of an update what there was before.
      isAnswered = planned.kind === 'create' || planned.kind === 'update';
      break;
    }
    known = await withManagedFields({ client, signal }, child, executed.known);
    state.replaced = known.replaced;
  }
  if ('object' in applied) {
    state.replaced = undefined;
    if (isAnswered) {
      state.writes.remember(applied.object);
      state.admitted.remember(desired, applied.object);
    }
    outbox.publish(network, part, outbox.storedIn(applied.object));
    if (applied.outcome === 'recreated') await leaveKept({ client, signal }, child, applied.object);
  }
  return applied;
}

/** An object that is about to be replaced is read whole: who owns its fields is known only as long as it exists. */
async function withManagedFields<T extends KubeObject>(
  { client, signal }: Pick<ChildContext, 'client' | 'signal'>,
  { type, kept }: Child<T>,
  known: Known<T>,
): Promise<Known<T>> {
  if (kept === undefined || known.current === undefined || known.isImmutable !== true) return known;
  return { ...known, current: (await getIfExists(client, type, known.current, signal)) ?? known.current };
}

/** Leaves what was kept to its writers at once: at a later write nobody knows any more which of the fields were kept. */
async function leaveKept<T extends KubeObject>(
  { client, signal }: Pick<ChildContext, 'client' | 'signal'>,
  { type, kept, desired }: Child<T>,
  created: T,
): Promise<void> {
  const foreign = kept?.pathsIn(created, desired) ?? [];
  const { namespace = '', name = '' } = created.metadata ?? {};
  if (foreign.length > 0) await claimCreatedFields(client, type, { namespace, name }, { manager: fieldManager, foreign, signal });
}

/** The object as it is written: with the digest of `digested`. */
export const withAppliedDigest = <T extends KubeObject>(desired: T, digested: T = desired): T =>
  withAnnotations(desired, { [appliedAnnotation]: digestOf(withDigest(digested, appliedAnnotation), appliedAnnotation) });

/**
 * Whether the object differs from what is desired in nothing but what admission made of our own write. A process that did not write it
 * itself reads its managed fields, which the caches do not keep.
 */
async function isAdmittedByUs<T extends KubeObject>(
  { client, signal }: Pick<ChildContext, 'client' | 'signal'>,
  type: ResourceType<T>,
  admitted: AdmittedFields,
  desired: T,
  current: T | undefined,
): Promise<boolean> {
  if (current === undefined || holds(desired, current)) return false;
  if (admitted.isAnswerTo(desired)) return admitted.explains(desired, current);
  // Last applied was something else: a change of what is desired, or another controller's.
  if (!isSameDesired(current, desired)) return false;
  const found = await getIfExists(client, type, desired, signal);
  if (found === undefined || !areOwn(differencesOf(desired, found), managedFieldsOf(found), fieldManager)) return false;
  admitted.remember(desired, found);
  return admitted.explains(desired, current);
}

/** Adds the event of the change to the object that is to be written. */
function withEvent<T extends KubeObject>(
  network: BitcoinNetwork,
  outbox: EventOutbox<Part>,
  { part, eventOf }: Child<T>,
  planned: Plan<T>,
): Plan<T> {
  if (planned.kind !== 'create' && planned.kind !== 'update') return planned;
  const previous = planned.kind === 'update' ? planned.current : planned.replaced;
  // The write overwrites an event that a predecessor stored and may not have published.
  if (previous !== undefined) outbox.publish(network, part, outbox.storedIn(previous));
  const change = planned.kind === 'update' ? 'updated' : previous === undefined ? 'created' : 'recreated';
  const isRevert = previous !== undefined && isSameDesired(previous, planned.desired);
  const event = eventOf(change, previous, isRevert);
  if (event === undefined) return planned;
  const annotations = outbox.name(network, [event]).map(named => outbox.annotationsOf(named));
  return { ...planned, desired: annotations.reduce(withAnnotations, planned.desired) };
}

/** Without what other writers set, a recreated object would be another one: with another pod template its pods would be replaced. */
const withKept = <T extends KubeObject>(planned: Plan<T>, kept: Child<T>['kept']): Plan<T> =>
  kept === undefined || planned.kind !== 'create' || planned.replaced === undefined
    ? planned
    : { ...planned, desired: kept.of(planned.desired, planned.replaced) };

const isSameDesired = (current: KubeObject, desired: KubeObject): boolean =>
  digestOf(current, appliedAnnotation) === digestOf(desired, appliedAnnotation);
