import FakeTimers from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { eventNameAnnotation } from '../../../src/bitcoin/api/names.ts';
import { type News, storyOf, Storyteller } from '../../../src/runtime/event-outbox.ts';
import { startEventRecording } from '../../../src/app/event-recording.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/resource.ts';
import { network } from '../../support/builders.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

const minuteMs = 60_000;
const alice = network();
const news: News = { type: 'Normal', reason: 'NodeReady', message: 'Ready: alice-sts-0' };

describe('an event that was given up', () => {
  let clock: FakeTimers.Clock;
  beforeEach(() => {
    clock = FakeTimers.install({ now: Date.UTC(2026, 0, 1), toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(() => clock.uninstall());

  for (const api of ['core', 'events'] as const)
    it(`is told again once the API server takes events again, under its name, in ${api}`, async () => {
      const created: string[] = [];
      let isAway = true;
      const client = {
        create: <T extends KubeObject>(_: ResourceType<T>, object: T) => {
          if (isAway) return Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
          created.push(object.metadata?.name ?? '');
          return Promise.resolve(object);
        },
        patch: () => Promise.reject(new Error('there is nothing to patch')),
      };
      const logger = new RecordingLogger();
      const recording = startEventRecording({ api, client, logger, component: 'bitcoin-controller', identity: 'pod' });
      const teller = new Storyteller(recording.recorder);
      const givenUp: string[] = [];
      recording.givenUp.subscribe(({ namespace, name }) => {
        givenUp.push(`${namespace}/${name}`);
        teller.forget(`${namespace}/${name}`);
      });
      const story = storyOf(alice, 'status', [news]);
      /** As each reconcile does. */
      const tellFor = async (minutes: number) => {
        for (let minute = 0; minute < minutes; minute += 1) {
          teller.tell(alice, 'status', story);
          await clock.tickAsync(minuteMs);
        }
      };
      await tellFor(5);
      expect(givenUp).to.include('default/alice');
      isAway = false;
      await tellFor(5);
      expect(created).to.deep.equal([story[0]?.name]);
      await recording.broadcaster.shutdown();
    });

  it('is not told again if the API server will not have it', async () => {
    const refusal = Object.assign(new Error('forbidden'), { code: 403 });
    const client = { create: () => Promise.reject(refusal), patch: () => Promise.reject(refusal) };
    const logger = new RecordingLogger();
    const recording = startEventRecording({ api: 'core', client, logger, component: 'bitcoin-controller', identity: 'pod' });
    let givenUp = 0;
    recording.givenUp.subscribe(() => (givenUp += 1));
    recording.recorder.annotatedEvent(alice, { [eventNameAnnotation]: 'alice.1' }, 'Normal', 'NodeReady', 'm');
    await clock.tickAsync(5 * minuteMs);
    expect(givenUp).to.equal(0);
    expect((await recording.broadcaster.shutdown()).delivered).to.equal(0);
  });
});
