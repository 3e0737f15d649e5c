import { expect } from 'chai';
import { combinedMessage, GuardedRecorder } from '../../../src/app/guarded-recorder.ts';
import { FakeRecorder } from '../../../src/record/core/fake-recorder.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

const alice = { apiVersion: 'v1', kind: 'BitcoinNetwork', metadata: { namespace: 'default', name: 'alice', uid: '1' } };
const bob = { apiVersion: 'v1', kind: 'BitcoinNetwork', namespace: 'default', name: 'bob', uid: '2' };

describe('GuardedRecorder', () => {
  let nowMs: number;
  let events: FakeRecorder;
  let recorder: GuardedRecorder;
  beforeEach(() => {
    nowMs = 0;
    events = new FakeRecorder();
    recorder = new GuardedRecorder(events, { nameAnnotation: 'name', limitsMessages: true, now: () => nowMs });
  });
  const fail = (object: typeof alice | typeof bob, count: number, text = 'failure') => {
    for (let index = 0; index < count; index += 1) recorder.event(object, 'Warning', 'Failed', `${text} ${index}`);
  };
  const distinct = () => new Set(events.events).size;

  it('records 25 different messages of an object, and the rest as one', () => {
    fail(alice, 2_000);
    expect(distinct()).to.equal(26);
    expect(events.events).to.have.length(2_000);
    expect(events.events.at(-1)).to.equal(`Warning Failed ${combinedMessage}`);
  });

  it('records another one every five minutes', () => {
    fail(alice, 100);
    nowMs = 300_000;
    fail(alice, 100, 'later');
    expect(distinct()).to.equal(27);
  });

  it('keeps recording messages that it has recorded before', () => {
    fail(alice, 100);
    recorder.event(alice, 'Warning', 'Failed', 'failure 0');
    expect(events.events.at(-1)).to.equal('Warning Failed failure 0');
  });

  it('limits each object by itself, also by a reference and with another logger', () => {
    fail(alice, 100);
    fail(bob, 3);
    expect(events.events.at(-1)).to.equal('Warning Failed failure 2');
    recorder.withLogger(new RecordingLogger()).eventf(alice, 'Warning', 'Failed', 'formatted %d', 1);
    expect(events.events.at(-1)).to.equal(`Warning Failed ${combinedMessage}`);
  });

  it('does not limit events that have a name of their own', () => {
    fail(alice, 100);
    recorder.annotatedEvent(alice, { name: 'alice.1' }, 'Normal', 'Ready', 'node 0');
    expect(events.events.at(-1)).to.match(/^Normal Ready node 0/);
  });

  it('makes every message printable', () => {
    recorder.event(alice, 'Warning', 'Failed', 'a\u0007b');
    recorder.annotatedEventf(alice, { name: 'alice.1' }, 'Normal', 'Ready', 'a\u009b%s', 'c');
    expect(events.events[0]).to.equal('Warning Failed a\ufffdb');
    expect(events.events[1]).to.match(/^Normal Ready a\ufffdc/);
  });
});
