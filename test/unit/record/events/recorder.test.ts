import { expect } from 'chai';
import { EventsV1Broadcaster } from '../../../../src/record/events/broadcaster.ts';
import type { EventsV1Event } from '../../../../src/record/events/event.ts';
import type { Referable } from '../../../../src/record/pipeline/reference.ts';

const nowMs = Date.UTC(2023, 0, 1, 12);
const suffix = (BigInt(nowMs) * 1_000_000n).toString(16);
const reporter = { reportingController: 'c1', reportingInstance: 'i1' };
const pod1 = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod1', namespace: 'ns1', uid: '12345' } };
const dnsSubdomain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

interface Case {
  readonly what: string;
  readonly regarding: Referable;
  readonly related?: Referable;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly args?: readonly unknown[];
  readonly expected: Partial<EventsV1Event>;
  /** Undefined where the name is a random one. */
  readonly expectedName?: string;
  readonly expectedNamespace: string;
}

const started = { type: 'Normal', reason: 'Started', action: 'starting', note: 'Pod started' } as const;
const leaked = 'Service default/test appears to have leaked';
const longName = 'x'.repeat(4 * 253);

const cases: readonly Case[] = [
  {
    what: 'an event',
    regarding: pod1,
    ...started,
    expected: { regarding: { kind: 'Pod', namespace: 'ns1', name: 'pod1', uid: '12345', apiVersion: 'v1' }, note: 'Pod started' },
    expectedName: `pod1.${suffix}`,
    expectedNamespace: 'ns1',
  },
  {
    what: 'a related object, and fills in the note',
    regarding: pod1,
    related: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node1', uid: '67890' } },
    type: 'Warning',
    reason: 'FailedScheduling',
    action: 'scheduling',
    note: 'Pod failed to schedule on %s: %s',
    args: ['node1', 'not enough resources'],
    expected: {
      regarding: { kind: 'Pod', namespace: 'ns1', name: 'pod1', uid: '12345', apiVersion: 'v1' },
      related: { kind: 'Node', name: 'node1', uid: '67890', apiVersion: 'v1' },
      note: 'Pod failed to schedule on node1: not enough resources',
    },
    expectedName: `pod1.${suffix}`,
    expectedNamespace: 'ns1',
  },
  {
    what: 'an object whose name cannot be a part of an event’s, in default if it has no namespace',
    regarding: { apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name: '2001:db8::123', uid: '12345' } },
    type: 'Warning',
    reason: 'IPAddressNotAllocated',
    action: 'IPAddressAllocation',
    note: leaked,
    expected: {
      regarding: { kind: 'IPAddress', name: '2001:db8::123', uid: '12345', apiVersion: 'networking.k8s.io/v1' },
      note: leaked,
    },
    expectedNamespace: 'default',
  },
  {
    what: 'an object whose name is too long',
    regarding: { ...pod1, metadata: { ...pod1.metadata, name: longName } },
    ...started,
    expected: { regarding: { kind: 'Pod', namespace: 'ns1', name: longName, uid: '12345', apiVersion: 'v1' } },
    expectedNamespace: 'ns1',
  },
];

/** What one call of a recorder makes. */
async function recorded(record: (broadcaster: EventsV1Broadcaster) => void): Promise<EventsV1Event[]> {
  const events: EventsV1Event[] = [];
  const broadcaster = new EventsV1Broadcaster({ now: () => nowMs });
  broadcaster.startEventWatcher(event => events.push(event));
  record(broadcaster);
  await broadcaster.shutdown();
  return events;
}

describe('EventsV1Recorder', () => {
  for (const { what, regarding, related, type, reason, action, note, args = [], expected, ...where } of cases)
    it(`reports ${what} (TestEventf)`, async () => {
      const [event] = await recorded(broadcaster => {
        broadcaster.newRecorder(reporter).eventf(regarding, related, type, reason, action, note, ...args);
      });
      const { metadata, ...rest } = event!;
      expect(metadata.name).to.match(dnsSubdomain);
      expect(metadata).to.deep.equal({ name: where.expectedName ?? metadata.name, namespace: where.expectedNamespace });
      expect(rest).to.deep.equal({
        eventTime: '2023-01-01T12:00:00.000000Z',
        ...reporter,
        type,
        reason,
        action,
        note,
        ...expected,
      });
    });

  it('takes a note without arguments as it is, and copies annotations', async () => {
    const annotations = { a: '1' };
    const [event] = await recorded(broadcaster => {
      broadcaster.newRecorder(reporter).annotatedEventf(pod1, null, annotations, 'Normal', 'Synced', 'Syncing', '100 %d of it');
      annotations.a = '2';
    });
    expect(event?.note).to.equal('100 %d of it');
    expect(event?.metadata.annotations).to.deep.equal({ a: '1' });
  });

  it('records an event although its related object is invalid', async () => {
    const related = 'no object' as unknown as Referable;
    const [event] = await recorded(broadcaster => {
      broadcaster.newRecorder(reporter).eventf(pod1, related, 'Normal', 'Synced', 'Syncing', 'n');
    });
    expect(event).not.to.have.property('related');
  });
});
