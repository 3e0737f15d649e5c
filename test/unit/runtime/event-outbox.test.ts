import { expect } from 'chai';
import { eventNameAnnotation, lastEventAnnotation } from '../../../src/bitcoin/api/names.ts';
import { lastEventAnnotations, lastEventOf, type News, storyOf, Storyteller } from '../../../src/runtime/event-outbox.ts';
import { FakeRecorder } from '../../../src/record/core/fake-recorder.ts';
import { network } from '../../support/builders.ts';

const nowMs = Date.UTC(2026, 0, 2);
const minuteMs = 60_000;
const news = (message: string): News => ({ type: 'Normal', reason: 'NodeReady', message });
const alice = network();

/** A storyteller, and what it has recorded. */
function teller(clockMs = nowMs) {
  const recorder = new FakeRecorder();
  return { storyteller: new Storyteller(recorder, () => clockMs), told: () => recorder.events };
}

describe('storyOf', () => {
  it('names each event after the network and the time, in order, and each part’s otherwise', () => {
    const status = storyOf(alice, 'status', [news('a'), news('b')], nowMs).map(({ name }) => name);
    const [service] = storyOf(alice, 'service', [news('a')], nowMs);
    const [statefulSet] = storyOf(alice, 'statefulSet', [news('a')], nowMs);
    const [later] = storyOf(alice, 'service', [news('a')], nowMs + 1);
    const names = [service?.name, statefulSet?.name, ...status, later?.name];
    expect(names).to.deep.equal([...new Set(names)].sort());
    expect(names.every(name => /^alice\.[0-9a-f]{16}$/.test(name ?? ''))).to.equal(true);
  });
});

describe('lastEventOf', () => {
  it('reads what lastEventAnnotations wrote', () => {
    const story = storyOf(alice, 'service', [news('Created')], nowMs);
    expect(lastEventOf({ metadata: { annotations: lastEventAnnotations(story) } })).to.deep.equal(story);
  });

  it('finds nothing in an object without it, or with something else there', () => {
    expect(lastEventOf({})).to.deep.equal([]);
    for (const text of ['', 'null', '7', '{', '{"name":"a"}', '{"name":"a","type":"Odd","reason":"r","message":"m"}'])
      expect(lastEventOf({ metadata: { annotations: { [lastEventAnnotation]: text } } }), text).to.deep.equal([]);
  });
});

describe('Storyteller', () => {
  it('tells an event once, as often as it sees it, by its name', () => {
    const { storyteller, told } = teller();
    const story = storyOf(alice, 'status', [news('a'), news('b')], nowMs);
    for (let seen = 0; seen < 3; seen += 1) storyteller.tell(alice, 'status', story);
    expect(told()).to.deep.equal(
      ['a', 'b'].map((message, index) => `Normal NodeReady ${message} map[${eventNameAnnotation}:${story[index]?.name}]`),
    );
  });

  it('tells each part of each network', () => {
    const { storyteller, told } = teller();
    const bob = network({}, { name: 'bob', uid: 'uid-bob' });
    for (const one of [alice, bob])
      for (const part of ['service', 'status'] as const) storyteller.tell(one, part, storyOf(one, part, [news(part)], nowMs));
    expect(told()).to.have.length(4);
  });

  it('leaves alone what is old when it first sees it, as after a restart, and tells what comes then', () => {
    const { storyteller, told } = teller(nowMs + 31 * minuteMs);
    storyteller.tell(alice, 'status', storyOf(alice, 'status', [news('old')], nowMs));
    expect(told()).to.deep.equal([]);
    storyteller.tell(alice, 'status', storyOf(alice, 'status', [news('also with a clock that was set back')], nowMs + 1));
    expect(told()).to.have.length(1);
  });

  it('tells what is fresh when it first sees it, as after a crash', () => {
    const { storyteller, told } = teller(nowMs + 29 * minuteMs);
    storyteller.tell(alice, 'status', storyOf(alice, 'status', [news('fresh')], nowMs));
    expect(told()).to.have.length(1);
  });

  it('tells nothing that somebody else has put there: other names, other reasons, a flood', () => {
    const { storyteller, told } = teller();
    const [own] = storyOf(alice, 'status', [news('own')], nowMs);
    const strange = [
      { ...own!, name: 'bob.0123456789abcdef' },
      { ...own!, name: 'alice.bob.0123456789abcdef' },
      { ...own!, name: 'alice' },
      { ...own!, name: 'alice.x' },
      { ...own!, reason: 'free text' },
    ];
    storyteller.tell(alice, 'status', strange);
    expect(told()).to.deep.equal([]);
    const flood = storyOf(
      alice,
      'status',
      Array.from({ length: 1_000 }, (_, index) => news(`${index}`)),
      nowMs,
    );
    storyteller.tell(alice, 'status', flood);
    expect(told()).to.have.length(10);
  });

  it('takes a network that was made anew for another one', () => {
    const { storyteller, told } = teller();
    const story = storyOf(alice, 'status', [news('a')], nowMs);
    storyteller.tell(alice, 'status', story);
    storyteller.tell(network({}, { uid: 'another' }), 'status', story);
    storyteller.forget('default/alice');
    storyteller.tell(network({}, { uid: 'another' }), 'status', story);
    expect(told()).to.have.length(3);
  });
});
