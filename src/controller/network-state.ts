// NetworkState: all that the controller remembers of one network between reconciles. Dropped as a whole when the network is gone.
import type { V1Service, V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { eventNameAnnotation, lastEventAnnotation } from '../bitcoin/api/names.ts';
import type { KubeObject } from '../kube/resource.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import { AdmittedFields } from '../runtime/admitted-fields.ts';
import { DriftBackoff } from '../runtime/drift-backoff.ts';
import { EventOutbox } from '../runtime/event-outbox.ts';
import { MutationCache } from '../runtime/mutation-cache.ts';
import { PerObject } from '../runtime/per-object.ts';
import { reasons } from './events/reasons.ts';
import { keepNetwork, keepService, keepStatefulSet } from './kept-fields.ts';
import { OwnPods } from './nodes/own-pods.ts';
import type { PodCredentials } from './steps/credentials.ts';
import { StatusThrottle } from './status/status-throttle.ts';

/** Where the events of a network are stored. */
export type Part = 'service' | 'statefulSet' | 'status';
const parts: readonly Part[] = ['service', 'statefulSet', 'status'];

const knownReasons: ReadonlySet<string> = new Set(Object.values(reasons));

/** What is remembered of an object that the network owns. */
export class ChildState<T extends KubeObject> {
  readonly writes: MutationCache<T>;
  readonly drift = new DriftBackoff();
  readonly admitted = new AdmittedFields();
  /** The object that was deleted so that it could be recreated, until it has been. */
  replaced: T | undefined;

  /** @param keep what the cache keeps of the object */
  constructor(keep: (object: T) => T) {
    this.writes = new MutationCache(keep);
  }
}

export class NetworkState {
  readonly outbox: EventOutbox<Part>;
  readonly writes = new MutationCache(keepNetwork);
  readonly service = new ChildState<V1Service>(keepService);
  readonly statefulSet = new ChildState<V1StatefulSet>(keepStatefulSet);
  readonly pods: OwnPods;
  readonly credentials: PodCredentials = {};
  readonly throttle = new StatusThrottle();
  /** Since when an object that is being deleted is in the way of one of the network's; monotonic milliseconds. */
  blockedSinceMs: number | undefined;

  constructor({ metadata }: BitcoinNetwork, recorder: Pick<EventRecorder, 'annotatedEvent'>) {
    this.outbox = new EventOutbox({ recorder, lastEventAnnotation, eventNameAnnotation, parts, reasons: knownReasons });
    this.pods = new OwnPods(metadata.uid);
  }
}

export type NetworkStates = PerObject<NetworkState, BitcoinNetwork>;

export const networkStates = (recorder: Pick<EventRecorder, 'annotatedEvent'>): NetworkStates =>
  new PerObject(network => new NetworkState(network, recorder));
