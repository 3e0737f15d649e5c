// What a controller of somebody else's does with the four entries and a client-node of its own. package.test.ts compiles it against the
// packed package in an empty project, also to CommonJS, and runs it with a kubeconfig file; here it is type-checked against the sources.
import { CoreV1Api, EventsV1Api, KubeConfig, type V1ConfigMap, type V1Pod } from '@kubernetes/client-node';
import { Broadcaster, type WatchEvent } from 'bitcoin-controller/broadcaster';
import { CoreV1EventSink, EventBroadcaster, getReference, type EventRecorder, type EventSink } from 'bitcoin-controller/record';
import { EventsV1ApiSink, EventsV1Broadcaster, type EventsV1Sink } from 'bitcoin-controller/record/events';
import {
  apiVersionOf,
  consoleLogger,
  Controller,
  KubeClient,
  keyOf,
  WorkQueue,
  type Reconcile,
  type ResourceType,
} from 'bitcoin-controller/runtime';
import { of } from 'rxjs';

const [file = ''] = process.argv.slice(2);
const kubeConfig = new KubeConfig();
kubeConfig.loadFromFile(file);
const pod: V1Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0', uid: '1' } };
const configMap: V1ConfigMap = { metadata: { namespace: 'default', name: 'settings', uid: '2' } };

async function main(): Promise<void> {
  {
    await using changes = new Broadcaster<V1Pod>({ queueLength: 1 });
    const watcher = changes.watch();
    await changes.action('MODIFIED', pod);
    await changes.shutdown();
    const seen: WatchEvent<V1Pod>[] = [];
    for await (const change of watcher) seen.push(change);
    console.log('broadcaster', seen.length, seen[0]?.object.metadata?.name);
  }
  {
    const sink: EventSink = new CoreV1EventSink(kubeConfig.makeApiClient(CoreV1Api));
    await using events = new EventBroadcaster({ kindOf: () => ({ apiVersion: 'v1', kind: 'ConfigMap' }) });
    events.startRecordingToSink(sink);
    const recorder: EventRecorder = events.newRecorder({ component: 'consumer' });
    recorder.event(pod, 'Warning', 'Repeated', 'it happened');
    await events.flush(10_000);
    recorder.eventf(pod, 'Warning', 'Repeated', 'it %s', 'happened');
    recorder.event(configMap, 'Normal', 'Listed', 'an item of a list has no kind');
    await events.flush(10_000);
    console.log('record', getReference(pod).name, events.counts.delivered);
  }
  {
    const sink: EventsV1Sink = new EventsV1ApiSink(kubeConfig.makeApiClient(EventsV1Api));
    await using events = new EventsV1Broadcaster();
    events.startRecordingToSink(sink);
    const recorder = events.newRecorder({ reportingController: 'example.com/consumer', reportingInstance: 'consumer-1' });
    const record = () => recorder.eventf(pod, { kind: 'Node', name: 'node-1' }, 'Normal', 'InSeries', 'Testing', 'it happened');
    record();
    await events.flush(10_000);
    record();
    const { delivered, notDelivered } = await events.shutdown();
    console.log('record/events', delivered, notDelivered);
  }
  {
    const type: ResourceType<V1ConfigMap> = {
      group: '',
      version: 'v1',
      plural: 'configmaps',
      kind: 'ConfigMap',
      namespaced: true,
    };
    const client = new KubeClient({ kubeConfig, logger: consoleLogger, userAgent: 'consumer' });
    const object = { apiVersion: apiVersionOf(type), kind: type.kind, metadata: { namespace: 'default', name: 'settings' } };
    const created = await client.create(type, object, { isDryRun: true });
    const stop = new AbortController();
    const reconcile: Reconcile = key => {
      console.log('runtime', created.metadata?.name, key);
      stop.abort(new Error('done'));
      return Promise.resolve({});
    };
    const requests = of({ key: keyOf(created) });
    const controller = { name: 'consumer', requests, queue: new WorkQueue(), reconcile, concurrency: 1, logger: consoleLogger };
    await new Controller(controller).run(stop.signal);
    await client.close();
  }
}

void main();
