// One case of the benchmark: `node bench/case.ts CASE EVENTS`. The same cases on the originals: go/.
//   A tenth of the case comes first, unmeasured: Go's program is compiled when it starts, this one while it runs.
import { Broadcaster } from '../src/broadcaster/broadcaster.ts';
import { newEvent } from '../src/record/core/core-event.ts';
import type { ObjectReference } from '../src/record/pipeline/reference.ts';
import { EventBroadcaster, type EventBroadcasterOptions } from '../src/record/core/event-broadcaster.ts';
import { EventCorrelator } from '../src/record/core/event-correlator.ts';

/** How many events may be on their way: below the 1000 at which the broadcaster drops. */
const outstanding = 500;
/** A burst that no case uses up. */
const unlimited = { burstSize: 2 ** 30 };
const compatible = { clientGoCompatible: true };
const source = { component: 'bench', host: 'host' };
const [name = '', size = ''] = process.argv.slice(2);
/** How many events the run under way has. */
let events = 0;

type Next = (index: number) => readonly [ObjectReference, string];

function pod(index: number): ObjectReference {
  return { kind: 'Pod', apiVersion: 'v1', namespace: 'default', name: `pod-${index}`, uid: `uid-${index}` };
}

async function watchCase(watchers: number, queueLength: number): Promise<number> {
  const broadcaster = new Broadcaster<object>({ queueLength });
  let deliveries = 0;
  for (let index = 0; index < watchers; index += 1)
    void broadcaster.watch().forEach(() => {
      deliveries += 1;
    });
  const object = {};
  for (let index = 0; index < events; index += 1) await broadcaster.action('ADDED', object);
  await broadcaster.shutdown();
  return deliveries;
}

async function recordCase(options: EventBroadcasterOptions, next: Next, pauseMs?: number): Promise<number> {
  let writes = 0;
  const write = <T>(event: T): Promise<T> => {
    writes += 1;
    return pauseMs === undefined ? Promise.resolve(event) : new Promise(resolve => setTimeout(resolve, pauseMs, event));
  };
  const broadcaster = new EventBroadcaster(options);
  broadcaster.startRecordingToSink({ create: write, patch: write });
  const recorder = broadcaster.newRecorder(source);
  for (let index = 0; index < events; index += 1) {
    recorder.event(...withReason(next(index)));
    if (pauseMs === undefined && index % outstanding === outstanding - 1) await broadcaster.flush(60_000);
  }
  await broadcaster.shutdown();
  return writes;
}

function withReason([object, message]: readonly [ObjectReference, string]): [ObjectReference, 'Normal', string, string] {
  return [object, 'Normal', 'Reason', message];
}

function correlatorCase(next: Next): number {
  const correlator = new EventCorrelator(unlimited);
  for (let index = 0; index < events; index += 1) {
    const [reference, message] = next(index);
    const named = `${reference.name ?? ''}.1`;
    const nowMs = Date.now();
    const event = newEvent({
      reference,
      name: named,
      annotations: undefined,
      type: 'Normal',
      reason: 'Reason',
      message,
      source,
      nowMs,
    });
    const result = correlator.eventCorrelate(event);
    correlator.updateState(result.event, result.key);
  }
  return events;
}

const one = pod(0);
const some = Array.from({ length: 64 }, (_, index) => pod(index));
const cases: Readonly<Record<string, () => number | Promise<number>>> = {
  'record-distinct-create': () => recordCase(unlimited, index => [pod(index), 'message']),
  'record-repeated-patch': () => recordCase(unlimited, () => [one, 'message']),
  'record-64-objects-repeated-patch': () => recordCase(unlimited, index => [some[index % 64] ?? one, 'message']),
  'record-repeated-default-spam-skipped': () => recordCase({}, () => [one, 'message']),
  'record-similar-aggregated': () => recordCase(unlimited, index => [one, `message ${index}`]),
  // By default repetitions that follow each other are written as one; here each is a patch of its own, as in client-go.
  'record-repeated-patch-compatible': () => recordCase({ ...unlimited, ...compatible }, () => [one, 'message']),
  'record-similar-aggregated-compatible': () => recordCase({ ...unlimited, ...compatible }, index => [one, `message ${index}`]),
  'correlator-distinct': () => correlatorCase(index => [pod(index), 'message']),
  'correlator-repeated': () => correlatorCase(() => [one, 'message']),
  'shutdown-loss': () => recordCase({}, index => [pod(index), 'message'], 50),
};

const [, watchers, queue] = /^watch-(\d+)w-q(\d+)$/.exec(name) ?? [];
const runCase = watchers === undefined ? cases[name] : () => watchCase(Number(watchers), Number(queue));
if (runCase === undefined || !(Number(size) > 0)) throw new Error(`no such case: ${name} ${size}`);
if (name !== 'shutdown-loss') {
  events = Math.ceil(Number(size) / 10);
  await runCase();
}
events = Number(size);
const startMs = performance.now();
const deliveries = await runCase();
const seconds = (performance.now() - startMs) / 1000;
console.log(
  JSON.stringify({
    case: name,
    events,
    seconds,
    eventsPerSecond: events / seconds,
    deliveriesPerSecond: deliveries / seconds,
    peakRssMiB: process.resourceUsage().maxRSS / 1024,
    ...(name === 'shutdown-loss' ? { delivered: deliveries } : {}),
  }),
);
