import { expect } from 'chai';
import { actionOf, reasons } from '../../../src/controller/events/reasons.ts';
import { eventNameAnnotation } from '../../../src/bitcoin/api/names.ts';
import { startEventRecording, type EventRecordingOptions } from '../../../src/app/event-recording.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/resource.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

const network = {
  apiVersion: 'bitcoincontroller.christianb93.github.com/v1',
  kind: 'BitcoinNetwork',
  metadata: { name: 'n', namespace: 'ns' },
};

interface Written {
  readonly group: string;
  readonly object: Record<string, unknown>;
}

/** What is written of what `record` records. */
async function written(
  api: EventRecordingOptions['api'],
  record: (recorder: ReturnType<typeof startEventRecording>['recorder']) => void,
  counts = false,
): Promise<{ events: Written[]; logger: RecordingLogger }> {
  const events: Written[] = [];
  const client = {
    create: <T extends KubeObject>({ group }: ResourceType<T>, object: T) => {
      events.push({ group, object: object as Record<string, unknown> });
      return Promise.resolve(object);
    },
    patch: <T extends KubeObject>() =>
      counts ? Promise.resolve({} as T) : Promise.reject(new Error('there is nothing to patch')),
  };
  const logger = new RecordingLogger();
  const identity = `pod-${'x'.repeat(200)}`;
  const { recorder, broadcaster } = startEventRecording({ api, client, logger, component: 'bitcoin-controller', identity });
  record(recorder);
  const { notDelivered } = await broadcaster.shutdown();
  expect(notDelivered).to.equal(0);
  return { events, logger };
}

describe('startEventRecording', () => {
  it('records in core/v1', async () => {
    const { events } = await written('core', recorder => recorder.event(network, 'Normal', 'NodeReady', 'Ready: n-0'));
    expect(events.map(({ group }) => group)).to.deep.equal(['']);
    expect(events[0]?.object).to.deep.include({ message: 'Ready: n-0', source: { component: 'bitcoin-controller' } });
  });

  it('records in events.k8s.io/v1, with an action, and by the name of the instance as far as the API server takes it', async () => {
    const { events } = await written('events', recorder => recorder.event(network, 'Normal', 'NodeReady', 'Ready: n-0'));
    expect(events.map(({ group }) => group)).to.deep.equal(['events.k8s.io']);
    expect(events[0]?.object).to.deep.include({
      note: 'Ready: n-0',
      action: 'ObserveNodes',
      reportingController: 'bitcoin-controller',
      reportingInstance: `pod-${'x'.repeat(124)}`,
    });
  });

  for (const api of ['core', 'events'] as const) {
    it(`writes each message and heeds the name that an event is given, in ${api}`, async () => {
      const { events } = await written(api, recorder => {
        for (const nodes of [2, 3]) recorder.event(network, 'Normal', 'StatefulSetScaled', `Scaled to ${nodes}`);
        recorder.annotatedEvent(network, { [eventNameAnnotation]: 'n.1' }, 'Normal', 'NodeReady', 'Ready: n-0');
      });
      expect(events.map(({ object }) => object['note'] ?? object['message'])).to.deep.equal([
        'Scaled to 2',
        'Scaled to 3',
        'Ready: n-0',
      ]);
      expect((events[2]?.object as KubeObject).metadata?.name).to.equal('n.1');
    });

    it(`writes no control character, and no message of more than 1 KiB, in ${api}`, async () => {
      const { events } = await written(api, recorder => {
        recorder.event(network, 'Warning', 'PeerConnectFailed', '\u001b[2Jforged');
        recorder.annotatedEvent(network, { [eventNameAnnotation]: 'n.1' }, 'Normal', 'NodeReady', 'x'.repeat(200_000));
      });
      const notes = events.map(({ object }) => (object['note'] ?? object['message']) as string);
      expect(notes[0]).to.equal('\ufffd[2Jforged');
      expect(notes[1]?.length).to.be.at.most(1_024);
    });

    it(`writes few events for 2,000 different texts of a node, in ${api}`, async () => {
      const { events } = await written(
        api,
        recorder => {
          for (let index = 0; index < 2_000; index += 1)
            recorder.event(network, 'Warning', 'PeerConnectFailed', `n-0: failure number ${index}`);
        },
        true,
      );
      expect(events.length).to.be.within(1, 30);
    });

    it(`logs each event, in ${api}`, async () => {
      const { logger } = await written(api, recorder => recorder.event(network, 'Normal', 'NodeReady', 'Ready: n-0'));
      const [entry] = logger.entries;
      expect(entry).to.include({ level: 'info', message: 'Event occurred' });
      expect(entry?.fields).to.include({ object: 'ns/n', kind: 'BitcoinNetwork', type: 'Normal', reason: 'NodeReady' });
    });
  }

  it('writes ten events for 100 forks in a minute, one of which has the number of the others', async () => {
    const { events } = await written(
      'core',
      recorder => {
        for (let fork = 1; fork <= 100; fork += 1) {
          const annotations = { [eventNameAnnotation]: `n.${fork}` };
          recorder.annotatedEvent(network, annotations, 'Warning', 'ForkDetected', `The nodes are on 2 chains: ${fork}`);
        }
      },
      true,
    );
    const counts = events.map(({ object }) => Number(object['count']));
    expect(counts).to.deep.equal([...Array<number>(9).fill(1), 91]);
    expect(events.at(-1)?.object['message']).to.equal('(combined from similar events): The nodes are on 2 chains: 100');
  });

  it('has an action for every reason, in the imperative; of an unknown one it is the reason', () => {
    for (const reason of Object.values(reasons)) {
      expect(actionOf(reason)).to.match(
        /^(Create|Delete|Repair|Write|Pause|Resume|Scale|Update|Replace|Observe|Connect|Read|Reconcile|Restart|Produce|Run|Copy|Load|Expand)[A-Za-z]*$/,
      );
      expect(actionOf(reason)).not.to.equal(reason);
    }
    expect(actionOf('LeaderElection')).to.equal('LeaderElection');
  });
});
