import { expect } from 'chai';
import fc from 'fast-check';
import { Broadcaster } from '../../../src/broadcaster/broadcaster.ts';
import type { Watcher } from '../../../src/broadcaster/watcher.ts';

type Consumption = 'iterate' | 'forEach' | 'results';

/** What one watcher saw, and which events it had to see at least and at most. */
interface Observation {
  readonly seen: number[];
  /** Events accepted before watch() was called, and those not yet sent when it returned. */
  readonly acceptedBefore: ReadonlySet<number>;
  readonly firstAfter: number;
  /** The first event that was sent after stop() returned; `undefined` if it was never stopped. */
  firstAfterStop: number | undefined;
  completions: number;
}

interface World {
  readonly broadcaster: Broadcaster<number>;
  readonly scheduler: fc.Scheduler;
  readonly observations: Observation[];
  readonly watchers: (readonly [Watcher<number>, Observation])[];
  readonly accepted: Set<number>;
  sent: number;
}

async function consume(
  watcher: Watcher<number>,
  how: Consumption,
  observation: Observation,
  scheduler: fc.Scheduler,
): Promise<void> {
  const { seen } = observation;
  if (how === 'forEach') {
    await watcher.forEach(({ object }) => (seen.push(object), scheduler.schedule(Promise.resolve())));
  } else if (how === 'iterate') {
    for await (const { object } of watcher) {
      seen.push(object);
      await scheduler.schedule(Promise.resolve());
    }
  } else {
    await new Promise<void>(resolve =>
      watcher.results.subscribe({
        next: ({ object }) => seen.push(object),
        complete: () => {
          observation.completions += 1;
          resolve();
        },
      }),
    );
    return;
  }
  observation.completions += 1;
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ do: 'send' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('watch' as const),
      how: fc.constantFrom<Consumption>('iterate', 'forEach', 'results'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const), which: fc.nat() }) },
);
type Step = { do: 'send' } | { do: 'watch'; how: Consumption } | { do: 'stop'; which: number };

function perform(world: World, step: Step, consumers: Promise<void>[]): Promise<void> | undefined {
  const { broadcaster, accepted, watchers, scheduler } = world;
  if (step.do === 'send') {
    const object = world.sent;
    world.sent += 1;
    return broadcaster.action('ADDED', object).then(() => void accepted.add(object));
  }
  if (step.do === 'watch') {
    const observation: Observation = {
      seen: [],
      acceptedBefore: new Set(accepted),
      firstAfter: world.sent,
      firstAfterStop: undefined,
      completions: 0,
    };
    const watcher = broadcaster.watch();
    watchers.push([watcher, observation]);
    consumers.push(consume(watcher, step.how, observation, scheduler));
    return undefined;
  }
  const chosen = watchers[step.which % Math.max(1, watchers.length)];
  if (chosen === undefined) return undefined;
  chosen[0].stop();
  chosen[1].firstAfterStop ??= world.sent;
  return undefined;
}

/** Two producers and any number of watchers, in every order that the scheduler can think of. */
async function play(scheduler: fc.Scheduler, queueLength: number, programs: readonly (readonly Step[])[]): Promise<World> {
  const broadcaster = new Broadcaster<number>({ queueLength, incomingQueueLength: 2 });
  const world: World = { broadcaster, scheduler, observations: [], watchers: [], accepted: new Set(), sent: 0 };
  const consumers: Promise<void>[] = [];
  const producers = programs.map(async steps => {
    for (const step of steps) {
      await scheduler.schedule(Promise.resolve());
      await perform(world, step, consumers);
    }
  });
  await scheduler.waitFor(Promise.all(producers));
  const down = broadcaster.shutdown();
  await scheduler.waitFor(down);
  await scheduler.waitFor(Promise.all(consumers));
  return world;
}

describe('Broadcaster, in any order of calls', () => {
  it('in wait mode sends each watcher all events accepted while it watches, in order, none from before, and completes once', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.nat({ max: 3 }),
        fc.array(fc.array(step, { maxLength: 25 }), { minLength: 1, maxLength: 3 }),
        async (scheduler, queueLength, programs) => {
          const world = await play(scheduler, queueLength, programs);
          for (const [, { seen, acceptedBefore, firstAfter, firstAfterStop, completions }] of world.watchers) {
            expect(completions).to.equal(1);
            expect(seen).to.deep.equal(
              Array.from({ length: seen.length }, (_, index) => (seen[0] ?? 0) + index),
              'in order, without a gap',
            );
            expect(seen.filter(object => acceptedBefore.has(object))).to.deep.equal([], 'nothing from before watch()');
            if (firstAfterStop === undefined && firstAfter < world.sent) {
              expect(seen[0]).to.be.at.most(firstAfter);
              expect(seen.at(-1)).to.equal(world.sent - 1, 'nothing is missed');
            }
            for (const object of seen) expect(object).to.be.lessThan(firstAfterStop ?? Infinity, 'nothing from after stop()');
          }
        },
      ),
      { numRuns: 300 },
    ));

  it('in drop mode drops for each watcher exactly the events that find its queue full', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.constantFrom<Consumption>('iterate', 'forEach'), { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 }),
        async (scheduler, queueLength, consumptions, producers) => {
          const broadcaster = new Broadcaster<number>({ queueLength, fullChannelBehavior: 'DropIfChannelFull' });
          const consumers = consumptions.map(how => {
            const watcher = broadcaster.watch();
            const observation: Observation = {
              seen: [],
              acceptedBefore: new Set(),
              firstAfter: 0,
              firstAfterStop: undefined,
              completions: 0,
            };
            return { watcher, observation, dropped: [] as number[], whole: consume(watcher, how, observation, scheduler) };
          });
          broadcaster.drops.subscribe(({ event, at, watcher }) => {
            expect(at).to.equal('watcher');
            expect(watcher?.size).to.equal(queueLength, 'only a full queue drops');
            consumers.find(consumer => consumer.watcher === watcher)?.dropped.push(event.object);
          });
          let sent = 0;
          const sending = producers.map(async count => {
            for (; count > 0; count -= 1) {
              await scheduler.schedule(Promise.resolve());
              const full = consumers.filter(({ watcher }) => watcher.size === queueLength);
              expect(broadcaster.actionOrDrop('ADDED', sent)).to.equal(true);
              expect(consumers.filter(({ dropped }) => dropped.at(-1) === sent)).to.deep.equal(full);
              sent += 1;
            }
          });
          await scheduler.waitFor(Promise.all(sending));
          await scheduler.waitFor(broadcaster.shutdown());
          await scheduler.waitFor(Promise.all(consumers.map(({ whole }) => whole)));
          for (const { watcher, observation, dropped } of consumers) {
            expect(observation.seen).to.deep.equal(
              [...observation.seen].sort((one, other) => one - other),
              'in order',
            );
            const all = [...observation.seen, ...dropped].sort((one, other) => one - other);
            expect(all).to.deep.equal(
              Array.from({ length: sent }, (_, index) => index),
              'each is seen or dropped, and once',
            );
            expect(watcher.dropped).to.equal(dropped.length);
            expect(observation.completions).to.equal(1);
          }
        },
      ),
      { numRuns: 300 },
    ));

  it('in drop mode sends the event to a waiting reader for any length of the queue, also 0', () =>
    fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 4 }),
        fc.array(fc.constantFrom('send', 'read'), { maxLength: 60 }),
        async (queueLength, steps) => {
          const broadcaster = new Broadcaster<number>({ queueLength, fullChannelBehavior: 'DropIfChannelFull' });
          const watcher = broadcaster.watch();
          const iterator = watcher[Symbol.asyncIterator]();
          const reads: Promise<number | undefined>[] = [];
          const model = { queue: [] as number[], waiting: 0, received: [] as number[], dropped: 0 };
          for (const [object, step] of steps.entries()) {
            if (step === 'send') {
              broadcaster.actionOrDrop('ADDED', object);
              if (model.waiting > 0) ((model.waiting -= 1), model.received.push(object));
              else if (model.queue.length < queueLength) model.queue.push(object);
              else model.dropped += 1;
            } else {
              reads.push(iterator.next().then(({ value }) => value?.object));
              const next = model.queue.shift();
              if (next === undefined) model.waiting += 1;
              else model.received.push(next);
            }
          }
          await broadcaster.shutdown();
          for (let left = model.queue.length; left > 0; left -= 1) reads.push(iterator.next().then(({ value }) => value?.object));
          const received = (await Promise.all(reads)).filter(object => object !== undefined);
          expect(received).to.deep.equal([...model.received, ...model.queue]);
          expect(watcher.dropped).to.equal(model.dropped);
        },
      ),
      { numRuns: 500 },
    ));
});
