import { expect } from 'chai';
import { FakeRecorder } from '../../../src/record/core/fake-recorder.ts';
import { EventOutbox, type PendingEvent } from '../../../src/runtime/event-outbox.ts';

const nowMs = Date.UTC(2026, 0, 2);
const minuteMs = 60_000;
const lastEventAnnotation = 'example.org/last-event';
const eventNameAnnotation = 'example.org/event-name';
const pending = (message: string): PendingEvent => ({ type: 'Normal', reason: 'NodeReady', message });
const alice = { apiVersion: 'v1', kind: 'Network', metadata: { namespace: 'default', name: 'alice', uid: 'uid-alice' } };

/** An outbox of alice in a process whose clock shows `clockMs`, and the events that the process records. */
function outboxAt(clockMs = nowMs, reasons?: ReadonlySet<string>) {
  const recorder = new FakeRecorder();
  const options = { recorder, lastEventAnnotation, eventNameAnnotation, nowMs: () => clockMs, ...(reasons && { reasons }) };
  return { outbox: new EventOutbox(options), recorded: recorder.events };
}

describe('EventOutbox', () => {
  describe('names events', () => {
    it('after the object and the time, in order, and each differently', () => {
      const { outbox } = outboxAt();
      const [service] = outbox.name(alice, [pending('a')]);
      const status = outbox.name(alice, [pending('a'), pending('b')]).map(({ name }) => name);
      const [later] = outboxAt(nowMs + 1).outbox.name(alice, [pending('a')]);
      const names = [service?.name, ...status, later?.name];
      expect(names).to.deep.equal([...new Set(names)].sort());
      expect(names.every(name => /^alice\.[0-9a-f]{16}$/.test(name ?? ''))).to.equal(true);
    });
  });

  describe('stores an event in annotations', () => {
    const { outbox } = outboxAt();

    it('and reads it from there', () => {
      const [event] = outbox.name(alice, [pending('Created')]);
      expect(outbox.storedIn({ metadata: { annotations: outbox.annotationsOf(event!) } })).to.deep.equal([event]);
    });

    it('and ignores one that is too long to be its own, without parsing it', () => {
      const [event] = outbox.name(alice, [pending('Created')]);
      const padded = JSON.stringify({ ...event, padding: 'x'.repeat(10_000) });
      expect(outbox.storedIn({ metadata: { annotations: { [lastEventAnnotation]: padded } } })).to.deep.equal([]);
    });

    it('and ignores an object without one, or with something else there', () => {
      expect(outbox.storedIn({})).to.deep.equal([]);
      for (const text of ['', 'null', '7', '{', '{"name":"a"}', '{"name":"a","type":"Odd","reason":"r","message":"m"}'])
        expect(outbox.storedIn({ metadata: { annotations: { [lastEventAnnotation]: text } } }), text).to.deep.equal([]);
    });
  });

  describe('stores in a part that is written once more', () => {
    const messagesOf = (events: readonly PendingEvent[]) => events.map(({ message }) => message);
    const named = (clockMs: number, ...messages: readonly string[]) =>
      outboxAt(clockMs).outbox.name(alice, messages.map(pending));

    it('the events of the four minutes before beside those of the write', () => {
      const former = [...named(nowMs - 4 * minuteMs, 'old'), ...named(nowMs - 4 * minuteMs + 1, 'recent')];
      const { outbox } = outboxAt();
      expect(messagesOf(outbox.stored(former, outbox.name(alice, [pending('new')])))).to.deep.equal(['recent', 'new']);
    });

    it('ten of them at most, but each of those of the write', () => {
      const count = (length: number, word: string) => Array.from({ length }, (_, index) => `${word} ${index}`);
      const former = named(nowMs - 1, ...count(8, 'former'));
      const storedWith = (length: number) => messagesOf(outboxAt().outbox.stored(former, named(nowMs, ...count(length, 'new'))));
      expect(storedWith(3)).to.deep.equal([...count(8, 'former').slice(1), ...count(3, 'new')]);
      for (const length of [10, 12]) expect(storedWith(length)).to.deep.equal(count(length, 'new'));
    });

    it('nothing that is no event, as another writer may have stored it', () => {
      const former = [{}, { ...named(nowMs + 60 * minuteMs, 'from the future')[0]! }, null] as unknown as ReturnType<
        typeof named
      >;
      expect(outboxAt().outbox.stored(former, named(nowMs, 'new'))).to.have.length(1);
    });

    it('none twice', () => {
      const events = named(nowMs, 'a', 'b');
      expect(outboxAt().outbox.stored(events, events.slice(1))).to.deep.equal(events);
    });
  });

  describe('publishes', () => {
    it('of the events of a part only those that it has not published', () => {
      const { outbox, recorded } = outboxAt();
      const first = outbox.name(alice, [pending('a'), pending('b')]);
      outbox.publish(alice, 'status', first);
      outbox.publish(alice, 'status', outbox.stored(first, outbox.name(alice, [pending('c')])));
      expect(recorded.map(event => event.slice('Normal NodeReady '.length, 'Normal NodeReady '.length + 1))).to.deep.equal([
        'a',
        'b',
        'c',
      ]);
    });

    it('an event once that stays stored beside many newer ones', () => {
      const { outbox, recorded } = outboxAt();
      const [lasting] = outbox.name(alice, [pending('lasting')]);
      for (let write = 0; write < 200; write += 1)
        outbox.publish(alice, 'status', [lasting!, ...outbox.name(alice, [pending('next')])]);
      expect(recorded.filter(event => event.includes('lasting'))).to.have.length(1);
      expect(recorded).to.have.length(201);
    });

    it('in the next process an event whose process was killed before it was written, although the part was written once more', () => {
      const killed = outboxAt(nowMs);
      const first = killed.outbox.name(alice, [pending('a')]);
      const second = killed.outbox.stored(first, killed.outbox.name(alice, [pending('b')]));
      const { outbox, recorded } = outboxAt(nowMs + 1);
      outbox.publish(alice, 'status', second);
      expect(recorded).to.have.length(2);
    });

    it('each event once, under its name, however often it reads it', () => {
      const { outbox, recorded } = outboxAt();
      const events = outbox.name(alice, [pending('a'), pending('b')]);
      for (let read = 0; read < 3; read += 1) outbox.publish(alice, 'status', events);
      expect(recorded).to.deep.equal(
        ['a', 'b'].map((message, index) => `Normal NodeReady ${message} map[${eventNameAnnotation}:${events[index]?.name}]`),
      );
    });

    it('the events of each part', () => {
      const { outbox, recorded } = outboxAt();
      for (const part of ['service', 'status'] as const) outbox.publish(alice, part, outbox.name(alice, [pending(part)]));
      expect(recorded).to.have.length(2);
    });

    it('the event that a crashed process stored and did not publish', () => {
      const stored = outboxAt(nowMs).outbox.name(alice, [pending('stored')]);
      const { outbox, recorded } = outboxAt(nowMs + 29 * minuteMs);
      outbox.publish(alice, 'status', stored);
      expect(recorded).to.have.length(1);
    });

    it('no event older than half an hour when it meets it for the first time, and every one after that', () => {
      const { outbox, recorded } = outboxAt(nowMs + 31 * minuteMs);
      outbox.publish(alice, 'status', outboxAt(nowMs).outbox.name(alice, [pending('old')]));
      expect(recorded).to.deep.equal([]);
      const withClockSetBack = outboxAt(nowMs + 1).outbox.name(alice, [pending('new')]);
      outbox.publish(alice, 'status', withClockSetBack);
      expect(recorded).to.have.length(1);
    });

    it('of events that it meets for the first time only those that are not that old', () => {
      const { outbox, recorded } = outboxAt(nowMs + 31 * minuteMs);
      const old = outboxAt(nowMs).outbox.name(alice, [pending('old')]);
      outbox.publish(alice, 'status', [...outboxAt(nowMs + 30 * minuteMs).outbox.name(alice, [pending('new')]), ...old]);
      expect(recorded).to.have.length(1);
      expect(JSON.stringify(recorded)).to.include('new');
    });

    it('a stored event again, under its name, after it was dropped', () => {
      const { outbox, recorded } = outboxAt();
      const events = outbox.name(alice, [pending('a')]);
      outbox.publish(alice, 'status', events);
      outbox.republish();
      outbox.publish(alice, 'status', events);
      expect(recorded).to.have.length(2);
      expect(recorded[1]).to.equal(recorded[0]);
    });

    it('nothing that another writer stored: other names, other reasons, a flood', () => {
      const { outbox, recorded } = outboxAt();
      const [own] = outbox.name(alice, [pending('own')]);
      const foreign = [
        { ...own!, name: 'bob.0123456789abcdef' },
        { ...own!, name: 'alice.bob.0123456789abcdef' },
        { ...own!, name: 'alice' },
        { ...own!, name: 'alice.x' },
        { ...own!, reason: 'free text' },
        { ...own!, message: 'x'.repeat(1_025) },
        { ...own!, message: '\u001b[2Jforged' },
        { ...own!, message: 'two\nlines' },
        null as never,
        { ...own!, message: 7 as never },
      ];
      for (const event of foreign) outbox.publish(alice, 'status', [event]);
      expect(recorded).to.deep.equal([]);
      const flood = Array.from({ length: 1_000 }, (_, index) => pending(`${index}`));
      outbox.publish(alice, 'status', outbox.name(alice, flood));
      expect(recorded).to.have.length(10);
    });

    it('no event of a reason that is not one of its own', () => {
      const { outbox, recorded } = outboxAt(nowMs, new Set(['NodeReady']));
      const [known] = outbox.name(alice, [pending('known')]);
      outbox.publish(alice, 'service', [{ ...known!, reason: 'Hacked' }]);
      expect(recorded).to.deep.equal([]);
      outbox.publish(alice, 'status', [known!]);
      expect(recorded).to.have.length(1);
    });

    it('an event whose message was made printable when it got its name', () => {
      const { outbox, recorded } = outboxAt();
      const [event] = outbox.name(alice, [pending(`a\u0007${'x'.repeat(9_000)}`)]);
      expect(event?.message)
        .to.match(/^a\ufffdx+…$/)
        .and.have.length(1_024);
      outbox.publish(alice, 'service', outbox.storedIn({ metadata: { annotations: outbox.annotationsOf(event!) } }));
      expect(recorded).to.have.length(1);
    });
  });
});
