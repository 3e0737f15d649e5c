// The writes of an experiment: its status with the events of the change, its finalizer, and its deletion.
import type { BitcoinExperiment, BitcoinExperimentStatus } from '../../bitcoin/api/bitcoin-experiment.ts';
import { eventNameAnnotation, experimentFinalizer, fieldManager, lastEventAnnotation } from '../../bitcoin/api/names.ts';
import { isConflict, isNotFound } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../record/core/event-recorder.ts';
import { EventOutbox } from '../../runtime/event-outbox.ts';
import { MutationCache } from '../../runtime/mutation-cache.ts';
import { experimentEvents } from '../events/experiments.ts';
import { reasons } from '../events/reasons.ts';
import { experiments } from '../resource-types.ts';
import { keepExperiment } from './kept-experiment.ts';

export type ExperimentClient = Pick<KubeClient, 'patch' | 'apply' | 'delete'>;

const knownReasons: ReadonlySet<string> = new Set(Object.values(reasons));

/** What is remembered of one experiment; nothing that is needed to go on. */
export class ExperimentWrites {
  readonly uid: string;
  readonly #client: ExperimentClient;
  readonly #outbox: EventOutbox<'status'>;
  readonly #writes = new MutationCache(keepExperiment);

  constructor({ metadata }: BitcoinExperiment, client: ExperimentClient, recorder: Pick<EventRecorder, 'annotatedEvent'>) {
    this.uid = metadata.uid;
    this.#client = client;
    this.#outbox = new EventOutbox({ recorder, lastEventAnnotation, eventNameAnnotation, reasons: knownReasons });
  }

  /** The last write, until the cache has it. */
  newest(experiment: BitcoinExperiment): BitcoinExperiment {
    const newest = this.#writes.newest(experiment) ?? experiment;
    return newest.metadata.uid === experiment.metadata.uid ? newest : experiment;
  }

  /** Publishes the events that are stored in the status. */
  publish(experiment: BitcoinExperiment): void {
    this.#outbox.publish(experiment, 'status', experiment.status?.lastEvents ?? []);
  }

  /** Call when an event about the experiment was dropped. */
  republish(): void {
    this.#outbox.republish();
  }

  /** @returns false if another writer was faster, or the experiment is gone. @throws ApiError if the API server refuses the write */
  async writeStatus(experiment: BitcoinExperiment, status: BitcoinExperimentStatus, signal: AbortSignal): Promise<boolean> {
    const events = this.#outbox.name(experiment, experimentEvents(experiment.status, status));
    const stored =
      events.length === 0 ? status : { ...status, lastEvents: this.#outbox.stored(experiment.status?.lastEvents ?? [], events) };
    const { namespace, name, uid, resourceVersion } = experiment.metadata;
    // A merge patch removes a field by null.
    const removed = Object.fromEntries(
      Object.keys(experiment.status ?? {}).flatMap(field => (field in stored ? [] : [[field, null]])),
    );
    const body = { metadata: { uid, resourceVersion }, status: { ...removed, ...stored } };
    return await this.#written(async () => {
      const answer = await this.#client.patch(experiments, { namespace, name }, body, {
        patchType: 'merge',
        subresource: 'status',
        signal,
      });
      this.#writes.remember(answer);
      this.#outbox.publish(answer, 'status', events);
    });
  }

  /** Server-side apply: finalizers of others stay. */
  async setFinalizer({ metadata }: BitcoinExperiment, isWanted: boolean, signal: AbortSignal): Promise<boolean> {
    const { namespace, name, uid } = metadata;
    const object = { metadata: { namespace, name, uid, finalizers: isWanted ? [experimentFinalizer] : [] } };
    return await this.#written(async () => {
      // The other fields are not applied.
      const applied = object as unknown as BitcoinExperiment;
      this.#writes.remember(await this.#client.apply(experiments, applied, { fieldManager, force: true, signal }));
    });
  }

  async delete({ metadata: { namespace, name, uid } }: BitcoinExperiment, signal: AbortSignal): Promise<void> {
    await this.#written(() => this.#client.delete(experiments, { namespace, name }, { preconditions: { uid }, signal }));
  }

  async #written(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return false;
      throw error;
    }
  }
}
