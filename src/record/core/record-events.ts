// recordEvents: one call for the usual case, as controller-runtime's GetEventRecorderFor.
import type { PipelineOptions } from '../pipeline/options.ts';
import type { ClientNodeEventsApi } from '../pipeline/client-node-sink.ts';
import { CoreV1EventSink } from './core-v1-sink.ts';
import { EventBroadcaster } from './event-broadcaster.ts';
import type { EventRecorder } from './event-recorder.ts';

/** The options of `recordEvents`. */
export interface RecordEventsOptions extends Pick<PipelineOptions, 'kindOf' | 'logger' | 'signal'> {
  /** The name of the controller, as its events report it. */
  readonly component: string;
}

/** A recorder whose events are written to the API server. */
export interface EventRecording extends AsyncDisposable {
  readonly recorder: EventRecorder;
  readonly broadcaster: EventBroadcaster;
}

/**
 * Records core/v1 events with client-node's `CoreV1Api`. Shut `broadcaster` down at the end, or write `await using`.
 *
 * @example
 * ```ts
 * import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
 * import { recordEvents } from 'bitcoin-controller/record';
 *
 * const kubeConfig = new KubeConfig();
 * kubeConfig.loadFromDefault();
 * const { recorder, broadcaster } = recordEvents(kubeConfig.makeApiClient(CoreV1Api), { component: 'my-controller' });
 * recorder.event({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web-0' }, 'Normal', 'Started', 'Started the pod');
 * console.log((await broadcaster.shutdown()).delivered); // prints 1
 * ```
 */
export function recordEvents(api: ClientNodeEventsApi, { component, ...options }: RecordEventsOptions): EventRecording {
  const broadcaster = new EventBroadcaster(options);
  broadcaster.startRecordingToSink(new CoreV1EventSink(api));
  return {
    broadcaster,
    recorder: broadcaster.newRecorder({ component }),
    [Symbol.asyncDispose]: () => broadcaster[Symbol.asyncDispose](),
  };
}
