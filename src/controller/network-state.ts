// NetworkState: all that the controller remembers of one network between reconciles. Dropped as a whole when the network is gone.
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { eventNameAnnotation, lastEventAnnotation } from '../bitcoin/api/names.ts';
import type { KubeObject } from '../kube/resource.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import { AdmittedFields } from '../runtime/admitted-fields.ts';
import { DriftBackoff } from '../runtime/drift-backoff.ts';
import { EventOutbox } from '../runtime/event-outbox.ts';
import { MutationCache } from '../runtime/mutation-cache.ts';
import { PerObject } from '../runtime/per-object.ts';
import { type ChildKindName, childKinds, type ChildOf } from './child-kinds.ts';
import { ChainLoss } from './chain-loss.ts';
import { ChainHistory } from './events/chains.ts';
import { EdgeHistory } from './events/edges.ts';
import { reasons } from './events/reasons.ts';
import type { Demand } from './experiments/demands.ts';
import { type NetworkPlan, planNetwork, withParts } from './network-plan.ts';
import { keepNetwork } from './kept-fields.ts';
import { Expiry } from './expiry.ts';
import { PartitionClock } from './partition-clock.ts';
import { OwnPods } from './nodes/own-pods.ts';
import { ClaimRetention } from './volumes/claim-retention.ts';
import { VolumeExpansion } from './volumes/volume-expansion.ts';
import { RolloutTracker } from './rollout/rollout-tracker.ts';
import type { PodCredentials } from './steps/credentials.ts';
import { BlocksThrottle, StatusThrottle } from './status/status-throttle.ts';

/** Where the events of a network are stored: in its status, or in a child. */
export type Part = 'status' | ChildKey;
/** Identifies a child of a network. */
export type ChildKey = `${ChildKindName}/${string}`;

const knownReasons: ReadonlySet<string> = new Set(Object.values(reasons));

/** What is remembered of an object that the network owns. */
export class ChildState<T extends KubeObject> {
  readonly writes: MutationCache<T>;
  readonly drift = new DriftBackoff();
  /** Of the number of nodes of a StatefulSet that the API server refuses to change. */
  readonly scaleDrift = new DriftBackoff();
  readonly admitted = new AdmittedFields();
  /** The object that was deleted so that it could be recreated, until it has been. */
  replaced: T | undefined;
  /** Of a StatefulSet: how many unavailable pods the last write of this process asked for. The cluster may drop that. */
  maxUnavailable: number | undefined;

  /** @param keep what the cache keeps of the object */
  constructor(keep: (object: T) => T) {
    this.writes = new MutationCache(keep);
  }
}

export class NetworkState {
  readonly outbox: EventOutbox<Part>;
  readonly writes = new MutationCache(keepNetwork);
  readonly pods: OwnPods;
  readonly credentials: PodCredentials = {};
  readonly throttle = new StatusThrottle();
  readonly blocksThrottle = new BlocksThrottle();
  readonly edges = new EdgeHistory();
  readonly rollout = new RolloutTracker();
  readonly volumes = new VolumeExpansion();
  readonly retention = new ClaimRetention();
  readonly chains = new ChainHistory();
  readonly chainLoss = new ChainLoss();
  readonly partition = new PartitionClock();
  readonly expiry = new Expiry();
  /** The plan with the cut of an experiment. */
  #cutPlan: { readonly plan: NetworkPlan; readonly id: string; readonly cut: NetworkPlan } | undefined;
  /** The generation whose pods have all been replaced; undefined while some have not, or that is not known. */
  rolledOutGeneration: number | undefined;
  /** Since when an object that is being deleted is in the way of one of the network's; monotonic milliseconds. */
  blockedSinceMs: number | undefined;
  readonly #children = new Map<ChildKey, ChildState<KubeObject>>();
  #plan: { readonly generation: number | undefined; readonly plan: NetworkPlan } | undefined;

  constructor({ metadata }: BitcoinNetwork, recorder: Pick<EventRecorder, 'annotatedEvent'>) {
    this.outbox = new EventOutbox({ recorder, lastEventAnnotation, eventNameAnnotation, reasons: knownReasons });
    this.pods = new OwnPods(metadata.uid);
  }

  /** The plan of the network's present generation. */
  planOf(network: BitcoinNetwork): NetworkPlan {
    const { generation } = network.metadata;
    const known = this.#plan;
    if (known?.generation === generation && known !== undefined) return known.plan;
    const plan = planNetwork(network);
    if (known !== undefined && known.plan.description !== plan.description)
      this.edges.noteChange(known.plan.topology, plan.topology);
    this.#plan = { generation, plan };
    return plan;
  }

  /** The plan with the cut that an experiment demands: the same object for the same demand. A partition of the spec goes first. */
  cutPlanOf(network: BitcoinNetwork, plan: NetworkPlan, demand: Demand | undefined): NetworkPlan {
    if (demand?.cut === undefined || network.spec.partition !== undefined) {
      this.#cutPlan = undefined;
      return plan;
    }
    if (this.#cutPlan?.plan !== plan || this.#cutPlan.id !== demand.id)
      this.#cutPlan = { plan, id: demand.id, cut: withParts(plan, demand.cut.parts) };
    return this.#cutPlan.cut;
  }

  /** What is remembered of a child, made at the first call. */
  child<K extends ChildKindName>(kind: K, name: string): ChildState<ChildOf<K>> {
    const key: ChildKey = `${kind}/${name}`;
    // Each key has one kind, and with it one type of object.
    const state = this.#children.get(key) ?? new ChildState(childKinds[kind].keep);
    this.#children.set(key, state);
    return state as unknown as ChildState<ChildOf<K>>;
  }

  /** Call when an informer saw the child deleted. */
  forgetWrites(kind: ChildKindName, name: string): void {
    this.#children.get(`${kind}/${name}`)?.writes.forget();
  }

  /** Call with a child that the network wants no more. */
  forgetChild(kind: ChildKindName, name: string): void {
    this.#children.delete(`${kind}/${name}`);
    this.outbox.forget(`${kind}/${name}`);
  }
}

export type NetworkStates = PerObject<NetworkState, BitcoinNetwork>;

export const networkStates = (recorder: Pick<EventRecorder, 'annotatedEvent'>): NetworkStates =>
  new PerObject(network => new NetworkState(network, recorder));
