import { CoreV1Api, EventsV1Api, KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { KubeClient } from '../../src/kube/client.ts';
import { KubeClientEventsV1Sink } from '../../src/app/event-sinks.ts';
import { newEventBroadcasterAdapter } from '../../src/record/events/adapters.ts';
import { EventsV1Broadcaster } from '../../src/record/events/broadcaster.ts';
import type { EventsV1Event } from '../../src/record/events/event.ts';
import { EventsV1ApiSink, type EventsV1Sink } from '../../src/record/events/sink.ts';
import { getFieldSelector } from '../../src/record/events/event.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { RecordingLogger } from '../support/fakes/recording-logger.ts';

const reporter = { reportingController: 'example.com/controller', reportingInstance: 'controller-0' };
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-0', namespace: 'default', uid: 'uid-1', resourceVersion: '7' },
};
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', uid: 'uid-2' } };

interface Connected {
  readonly sink: EventsV1Sink;
  readonly close: () => Promise<void>;
}

const sinks: Readonly<Record<string, (kubeConfig: KubeConfig) => Connected>> = {
  "client-node's EventsV1Api": kubeConfig => ({
    sink: new EventsV1ApiSink(kubeConfig.makeApiClient(EventsV1Api)),
    close: () => Promise.resolve(),
  }),
  'the Kubernetes client of this project': kubeConfig => {
    const client = new KubeClient({ kubeConfig, logger: new RecordingLogger() });
    return { sink: new KubeClientEventsV1Sink(client), close: () => client.close() };
  },
};

function kubeConfigOf(file: string): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(file);
  return kubeConfig;
}

describe('events.k8s.io/v1 on a real API server', () => {
  let controlPlane: TestControlPlane;

  before(async () => {
    controlPlane = await startControlPlane();
  });

  after(async () => {
    await controlPlane.stop();
  });

  /** The events of events.k8s.io/v1 with a note. Default: all of them. */
  async function stored(note?: string, ...args: readonly string[]): Promise<EventsV1Event[]> {
    const output = await controlPlane.kubectl('get', 'events.events.k8s.io', '-A', '-o', 'json', ...args);
    const { items } = JSON.parse(output) as { items: EventsV1Event[] };
    return note === undefined ? items : items.filter(event => event.note === note);
  }

  for (const [what, connect] of Object.entries(sinks))
    describe(`over ${what}`, () => {
      let connected: Connected;
      let events: EventsV1Broadcaster;
      let logger: RecordingLogger;

      beforeEach(() => {
        connected = connect(kubeConfigOf(controlPlane.kubeconfigPath));
        logger = new RecordingLogger();
        events = new EventsV1Broadcaster({ logger, sleepDurationMs: 50 });
        events.startRecordingToSink(connected.sink);
      });

      afterEach(async () => {
        await events.shutdown();
        await connected.close();
      });

      it('stores every recorded event, and repetitions as a series', async () => {
        const note = `stored over ${what}`;
        const recorder = events.newRecorder(reporter);
        const record = () => {
          recorder.annotatedEventf(pod, node, { key: 'value' }, 'Warning', 'Slow', 'Waiting', note);
        };
        record();
        expect(await events.flush(10_000)).to.equal(true);
        const [{ metadata, eventTime, ...first } = {} as EventsV1Event] = await stored(note);
        expect(first).to.deep.include({ ...reporter, type: 'Warning', reason: 'Slow', action: 'Waiting', note });
        expect(first.regarding).to.deep.equal({ apiVersion: 'v1', kind: 'Pod', ...pod.metadata });
        expect(first.related).to.deep.equal({ apiVersion: 'v1', kind: 'Node', ...node.metadata });
        expect(metadata.annotations).to.deep.equal({ key: 'value' });
        expect(metadata.name).to.match(/^web-0\.[0-9a-f]{16}$/);
        expect(eventTime).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        expect(first.series).to.equal(undefined);

        for (let count = 2; count <= 4; count += 1) {
          record();
          expect(await events.flush(10_000)).to.equal(true);
          const [again, ...more] = await stored(note);
          expect(again?.series?.count).to.equal(count);
          expect(again?.series?.lastObservedTime).to.match(/\.\d{6}Z$/);
          expect(again?.metadata.name).to.equal(metadata.name);
          expect(more).to.deep.equal([]);
        }
        expect(events.counts).to.include({ recorded: 4, delivered: 4, written: 4 });
      });

      it('stores events recorded together in one request, and recreates a deleted event', async () => {
        const note = `burst over ${what}`;
        const recorder = events.newRecorder(reporter);
        const record = () => {
          recorder.eventf(node, undefined, 'Normal', 'Busy', 'Working', note);
        };
        for (let time = 0; time < 50; time += 1) record();
        expect(await events.flush(10_000)).to.equal(true);
        const [event] = await stored(note);
        expect(event?.series?.count).to.equal(50);
        expect(event?.metadata.namespace).to.equal('default');
        await controlPlane.kubectl('delete', 'events.events.k8s.io', '-n', 'default', event!.metadata.name);
        record();
        await events.flush(10_000);
        expect((await stored(note)).map(({ series }) => series?.count)).to.deep.equal([51]);
        expect(events.counts).to.include({ delivered: 51, written: 2 });
      });

      it('shortens a note that the API server would refuse, between two characters', async () => {
        const reason = `Long${Object.keys(sinks).indexOf(what)}`;
        events.newRecorder(reporter).eventf(pod, undefined, 'Normal', reason, 'Telling', '₿'.repeat(1_000));
        await events.flush(10_000);
        const [event] = await stored(undefined, '--field-selector', `reason=${reason}`);
        expect(event?.note).to.equal(`${'₿'.repeat(340)}…`);
        expect(events.counts.delivered).to.equal(1);
      });

      it('does not retry an event that the API server refuses, and reports it', async () => {
        const careless = new EventsV1Broadcaster({ logger, ignoresServerLimits: true });
        careless.startRecordingToSink(connected.sink);
        careless.newRecorder(reporter).eventf(pod, undefined, 'Normal', 'Reason', '', 'no action');
        expect(await careless.shutdown()).to.deep.include({ delivered: 0, notDelivered: 1 });
        expect(careless.counts.dropped.rejected).to.equal(1);
        expect(logger.entries.map(({ level, message }) => [level, message])).to.deep.include([
          'error',
          'Server rejected event (will not retry!)',
        ]);
      });

      it('delivers events recorded while the API server is down once it is back', async () => {
        const note = `outage over ${what}`;
        const recorder = events.newRecorder(reporter);
        const record = () => {
          recorder.eventf(pod, undefined, 'Normal', 'Away', 'Waiting', note);
        };
        record();
        await events.flush(10_000);
        await controlPlane.stopApiServer('abruptly');
        for (let time = 0; time < 3; time += 1) record();
        const flushed = events.flush(60_000);
        await controlPlane.startApiServer();
        record();
        await flushed;
        expect(await events.flush(60_000)).to.equal(true);
        expect((await stored(note)).map(({ series }) => series?.count)).to.deep.equal([5]);
        expect(events.counts).to.include({ recorded: 5, delivered: 5 });
      });
    });

  it('lists the events about an object by the field selector of either API', async () => {
    const events = new EventsV1Broadcaster();
    const [connect] = Object.values(sinks);
    const { sink, close } = connect!(kubeConfigOf(controlPlane.kubeconfigPath));
    events.startRecordingToSink(sink);
    const recorder = events.newRecorder(reporter);
    const pods = ['one', 'two'].map(name => ({ ...pod, metadata: { ...pod.metadata, name, uid: `uid of ${name}` } }));
    for (const regarding of pods) recorder.eventf(regarding, undefined, 'Normal', 'Selected', 'Selecting', 'by a field selector');
    await events.shutdown();
    await close();
    const regarding = { apiVersion: 'v1', kind: 'Pod', name: 'one', uid: 'uid of one' };
    for (const [resource, version] of [
      ['events.v1.events.k8s.io', 'events.k8s.io/v1'],
      ['events.v1.', 'v1'],
    ] as const) {
      const selector = getFieldSelector(version, regarding);
      const output = await controlPlane.kubectl('get', resource, '--field-selector', selector, '-o', 'json');
      const { items } = JSON.parse(output) as { items: { involvedObject?: { name: string }; regarding?: { name: string } }[] };
      expect(items.map(item => (item.regarding ?? item.involvedObject)?.name)).to.deep.equal(['one']);
    }
  });

  it('records in the newer API by an adapter that has asked the cluster, and in the older one by its legacy recorder', async () => {
    const kubeConfig = kubeConfigOf(controlPlane.kubeconfigPath);
    const apis = { coreV1: kubeConfig.makeApiClient(CoreV1Api), eventsV1: kubeConfig.makeApiClient(EventsV1Api) };
    const adapter = await newEventBroadcasterAdapter(apis, { hostName: 'host' });
    adapter.startRecordingToSink();
    adapter.newRecorder('example.com/both').eventf(pod, node, 'Normal', 'Reason', 'Acting', 'new by adapter');
    adapter.deprecatedNewLegacyRecorder('example.com/both').event(pod, 'Normal', 'Reason', 'legacy by adapter');
    expect((await adapter.shutdown()).delivered).to.equal(2);
    expect((await stored('new by adapter')).map(({ action, reportingInstance }) => [action, reportingInstance])).to.deep.equal([
      ['Acting', 'example.com/both-host'],
    ]);
    expect((await stored('legacy by adapter')).map(({ action }) => action)).to.deep.equal([undefined]);
  });

  it('accepts exactly the events that the API server accepts', async () => {
    const [, connect] = Object.values(sinks);
    const { sink, close } = connect!(kubeConfigOf(controlPlane.kubeconfigPath));
    const texts = ['', 'x', 'x'.repeat(128), 'x'.repeat(129), 'é'.repeat(64), 'é'.repeat(65)];
    const controllers = ['', 'a', 'A_b.c', '-a', 'a-', 'x'.repeat(63), 'x'.repeat(64), 'a.b/c', 'A/b', 'a/', '/a', 'a/b/c'];
    const cases = [
      ...(['reason', 'action', 'reportingInstance'] as const).flatMap(field => texts.map(text => ({ [field]: text }))),
      ...controllers.map(reportingController => ({ reportingController })),
      { reportingController: `${'a'.repeat(253)}/b` },
      { reportingController: `${'a'.repeat(254)}/b` },
    ];
    let valid = 0;
    for (const [index, changes] of cases.entries()) {
      const { reason, action, ...who } = { reason: 'Reason', action: 'Acting', ...reporter, ...changes };
      const verdicts = [];
      for (const ignoresServerLimits of [false, true]) {
        const events = new EventsV1Broadcaster({ ignoresServerLimits });
        events.startRecordingToSink(sink);
        events.newRecorder(who).eventf(pod, undefined, 'Normal', reason, action, `validity ${index}`);
        await events.shutdown();
        verdicts.push(events.counts.delivered);
      }
      expect(verdicts[0], JSON.stringify(changes)).to.equal(verdicts[1]);
      valid += verdicts[0] ?? 0;
    }
    expect(valid).to.equal(3 * 3 + 4 + 1);
    await close();
  });

  it('gives a hint about the missing right when it may not write events about an object without a namespace', async () => {
    await controlPlane.kubectl('create', 'serviceaccount', 'powerless');
    const { sink } = sinks["client-node's EventsV1Api"]!(
      kubeConfigOf(await controlPlane.kubeconfigForServiceAccount('default', 'powerless')),
    );
    const logger = new RecordingLogger();
    const events = new EventsV1Broadcaster({ logger });
    events.startRecordingToSink(sink);
    events.newRecorder(reporter).eventf(node, undefined, 'Normal', 'Reason', 'Acting', 'forbidden');
    expect((await events.shutdown()).dropped.rejected).to.equal(1);
    const line = logger.entries.find(({ message }) => message === 'Server rejected event (will not retry!)');
    expect(line?.fields['hint']).to.equal(
      'events about objects without a namespace lie in default: allow create and patch of events there',
    );
  });
});
