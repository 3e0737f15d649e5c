import FakeTimers from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { startEventRecording } from '../../../src/app/event-recording.ts';
import { eventNameAnnotation } from '../../../src/bitcoin/api/names.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/resource.ts';
import { network } from '../../support/builders.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

const minuteMs = 60_000;
const alice = network();
const name = 'alice.188704d5c0a00000';

/** Records an event while the API server answers `failure`, as long as there is one. */
function recording(api: 'core' | 'events', failure: () => Error | undefined) {
  const created: string[] = [];
  const client = {
    create: <T extends KubeObject>(_: ResourceType<T>, object: T) => {
      const error = failure();
      if (error !== undefined) return Promise.reject(error);
      created.push(object.metadata?.name ?? '');
      return Promise.resolve(object);
    },
    patch: () => Promise.reject(new Error('there is nothing to patch')),
  };
  const logger = new RecordingLogger();
  const started = startEventRecording({ api, client, logger, component: 'bitcoin-controller', identity: 'pod' });
  const dropped: string[] = [];
  started.givenUp.subscribe(about => dropped.push(`${about.namespace}/${about.name}`));
  const record = () =>
    started.recorder.annotatedEvent(alice, { [eventNameAnnotation]: name }, 'Normal', 'NodeReady', 'Ready: alice-sts-0');
  return { record, created, dropped, broadcaster: started.broadcaster };
}

describe('an event that is dropped', () => {
  let clock: FakeTimers.Clock;
  beforeEach(() => {
    clock = FakeTimers.install({ now: Date.UTC(2026, 0, 1), toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(() => clock.uninstall());

  for (const api of ['core', 'events'] as const)
    it(`is reported with its object while the API server takes no events, and written under its name once it does, in ${api}`, async () => {
      let failure: Error | undefined = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      const { record, created, dropped, broadcaster } = recording(api, () => failure);
      record();
      await clock.tickAsync(5 * minuteMs);
      expect(dropped).to.deep.equal(['default/alice']);
      failure = undefined;
      record();
      await clock.tickAsync(minuteMs);
      expect(created).to.deep.equal([name]);
      await broadcaster.shutdown();
    });

  it('is not reported if the API server refuses it: it would refuse it again', async () => {
    const { record, dropped, broadcaster } = recording('core', () => Object.assign(new Error('forbidden'), { code: 403 }));
    record();
    await clock.tickAsync(5 * minuteMs);
    expect(dropped).to.deep.equal([]);
    expect((await broadcaster.shutdown()).delivered).to.equal(0);
  });
});
