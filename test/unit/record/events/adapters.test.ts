import { expect } from 'chai';
import { EventBroadcaster } from '../../../../src/record/core/event-broadcaster.ts';
import {
  EventBroadcasterAdapter,
  newEventBroadcasterAdapter,
  LegacyRecorder,
  newEventRecorderAdapter,
  type EventApis,
} from '../../../../src/record/events/adapters.ts';
import { EventsV1Broadcaster } from '../../../../src/record/events/broadcaster.ts';
import { FakeRecorder } from '../../../../src/record/events/fake-recorder.ts';
import { FakeRecorder as CoreFakeRecorder } from '../../../../src/record/core/fake-recorder.ts';
import { FakeApiServer, MemoryLogger, status } from '../core/fakes.ts';
import { FakeEventsServer, podNamed, reporter } from './fakes.ts';

describe('EventRecorderAdapter', () => {
  it('records in core/v1 without the action and the related object', () => {
    const core = new CoreFakeRecorder({ includeObject: true });
    const recorder = newEventRecorderAdapter(core).withLogger(new MemoryLogger());
    recorder.eventf(podNamed('a'), podNamed('b'), 'Normal', 'Reason', 'Acting', '%s times', 3);
    recorder.annotatedEventf(podNamed('a'), null, { k: 'v' }, 'Warning', 'Reason', 'Acting', 'note');
    recorder.annotatedEventf(podNamed('a'), null, undefined, 'Warning', 'Reason', 'Acting', 'note');
    expect(core.events).to.deep.equal([
      'Normal Reason 3 times involvedObject{kind=Pod,apiVersion=v1}',
      'Warning Reason note involvedObject{kind=Pod,apiVersion=v1} map[k:v]',
      'Warning Reason note involvedObject{kind=Pod,apiVersion=v1}',
    ]);
  });

  it('leaves it to the recorder to report that there is no object', async () => {
    const logger = new MemoryLogger();
    const events = new EventBroadcaster({ logger });
    newEventRecorderAdapter(events.newRecorder({ component: 'c' })).eventf(null, null, 'Normal', 'Reason', 'Acting', 'note');
    await events.shutdown();
    expect(logger.messages('error')).to.deep.equal(['Could not construct reference, will not report event']);
  });
});

describe('LegacyRecorder', () => {
  it('records in events.k8s.io/v1, with the action of the reason', () => {
    const events = new FakeRecorder({ verbose: true });
    const recorder = new LegacyRecorder(events, { actionOf: reason => `${reason}ing` }).withLogger(new MemoryLogger());
    recorder.event(podNamed('a'), 'Normal', 'Sync', '100 %d of it');
    recorder.eventf(podNamed('a'), 'Normal', 'Sync', '%d of %d', 1, 2);
    recorder.annotatedEvent(podNamed('a'), { k: 'v' }, 'Warning', 'Sync', 'note');
    recorder.annotatedEventf(podNamed('a'), { k: 'v' }, 'Warning', 'Sync', 'after %s', '1s');
    expect(events.events).to.deep.equal([
      'Normal Sync Syncing 100 %d of it {kind=Pod,apiVersion=v1}',
      'Normal Sync Syncing 1 of 2 {kind=Pod,apiVersion=v1}',
      'Warning Sync Syncing note {kind=Pod,apiVersion=v1} map[k:v]',
      'Warning Sync Syncing after 1s {kind=Pod,apiVersion=v1} map[k:v]',
    ]);
  });

  it('uses the reason as the action by default', async () => {
    const server = new FakeEventsServer();
    const events = new EventsV1Broadcaster();
    events.startRecordingToSink(server);
    new LegacyRecorder(events.newRecorder(reporter)).event(podNamed('a'), 'Normal', 'Synced', 'note');
    await events.shutdown();
    expect(server.calls.map(({ event }) => [event.reason, event.action])).to.deep.equal([['Synced', 'Synced']]);
  });
});

describe('EventBroadcasterAdapter', () => {
  /** What two recorders of an adapter wrote, by API. */
  async function recorded(core: FakeApiServer, eventsV1: FakeEventsServer | undefined): Promise<object> {
    const adapter = new EventBroadcasterAdapter({ core, eventsV1 }, { hostName: 'host' });
    adapter.startRecordingToSink();
    adapter.newRecorder('example.com/c').eventf(podNamed('a'), null, 'Normal', 'Reason', 'Acting', 'new');
    adapter.deprecatedNewLegacyRecorder('example.com/c').event(podNamed('a'), 'Normal', 'Reason', 'legacy');
    const { delivered, notDelivered } = await adapter.shutdown();
    expect([delivered, notDelivered]).to.deep.equal([2, 0]);
    return {
      core: core.calls.map(({ event }) => `${event.source.component} ${event.message}`),
      eventsV1: eventsV1?.calls.map(({ event }) => `${event.reportingController} ${event.reportingInstance} ${event.note}`),
    };
  }

  it('records in events.k8s.io/v1 if the cluster has it, except with the legacy recorder', async () => {
    expect(await recorded(new FakeApiServer(), new FakeEventsServer())).to.deep.equal({
      core: ['example.com/c legacy'],
      eventsV1: ['example.com/c example.com/c-host new'],
    });
  });

  it('records everything in core/v1 if the cluster does not have it', async () => {
    expect(await recorded(new FakeApiServer(), undefined)).to.deep.equal({
      core: ['example.com/c new', 'example.com/c legacy'],
      eventsV1: undefined,
    });
  });

  it('adds up the events that neither could deliver', async () => {
    const [core, eventsV1] = [new FakeApiServer(), new FakeEventsServer()];
    core.outage = status(403, 'Forbidden');
    eventsV1.outage = status(422, 'Invalid');
    const adapter = new EventBroadcasterAdapter({ core, eventsV1 }, { hostName: 'host' });
    adapter.startRecordingToSink();
    adapter.newRecorder('c').eventf(podNamed('a'), null, 'Normal', 'Reason', 'Acting', 'new');
    adapter.deprecatedNewLegacyRecorder('c').event(podNamed('a'), 'Normal', 'Reason', 'legacy');
    const { delivered, notDelivered, dropped } = await adapter.shutdown();
    expect([delivered, notDelivered, dropped.rejected]).to.deep.equal([0, 2, 2]);
  });

  it('looks up which APIs the cluster has', async () => {
    for (const hasEventsV1 of [true, false]) {
      const api = {
        createNamespacedEvent: () => Promise.resolve({}),
        patchNamespacedEvent: () => Promise.resolve({}),
        getAPIResources: () => (hasEventsV1 ? Promise.resolve({}) : Promise.reject(status(404, 'NotFound'))),
      };
      const apis: EventApis = { coreV1: api, eventsV1: api };
      await using adapter = await newEventBroadcasterAdapter(apis, { hostName: 'host' });
      expect(adapter.eventsV1 === undefined).to.equal(!hasEventsV1);
    }
  });
});
