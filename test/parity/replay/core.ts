// Replay: plays a scenario through the public classes of record/ under a fake clock.
import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { isNotFound } from '../../../src/kube/api-error.ts';
import type { Logger } from '../../../src/logging/logger.ts';
import { newEvent, type CoreV1Event, type EventType } from '../../../src/record/core/core-event.ts';
import { EventBroadcaster } from '../../../src/record/core/event-broadcaster.ts';
import type { CorrelatorOptions } from '../../../src/record/core/event-correlator.ts';
import { EventCorrelator } from '../../../src/record/core/event-correlator.ts';
import { generateEventName, unixNanoOf } from '../../../src/record/pipeline/event-name.ts';
import type { Referable } from '../../../src/record/pipeline/reference.ts';
import type { Watcher } from '../../../src/broadcaster/watcher.ts';
import { EventServer } from './event-server.ts';
import { EventsJournal, type EventsCall } from './events-journal.ts';
import { eventsPlayer } from './events.ts';
import { Journal, originKey, type ParityCall } from './core-journal.ts';
import {
  drainMsOf,
  hasTag,
  modesOf,
  occurrenceOf,
  repetitionsOf,
  type Mode,
  type Origin,
  type Scenario,
  type ScenarioStep,
} from '../scenarios/scenario.ts';

export interface ReplayOutput {
  readonly scenario: string;
  readonly outputs: Readonly<Partial<Record<Mode, { readonly calls: readonly (ParityCall | EventsCall)[] }>>>;
}

/** What a mode does with a step. */
interface Player {
  record(step: ScenarioStep): void;
  act(action: string): void;
}

const startMs = Date.UTC(2000, 0, 1);
const defaultSleepMs = 10_000;
/** Scenarios are full of faults, which are of no interest here. */
const nothing = (): void => undefined;
const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The calls that a sink sees, in each mode that the scenario has. One replay at a time: the clock is the process's. */
export async function replay(scenario: Scenario, options: { readonly clientGoCompatible: boolean }): Promise<ReplayOutput> {
  const outputs: Partial<Record<Mode, { calls: readonly (ParityCall | EventsCall)[] }>> = {};
  for (const mode of modesOf(scenario)) outputs[mode] = { calls: await replayMode(scenario, mode, options.clientGoCompatible) };
  return { scenario: scenario.name, outputs };
}

async function replayMode(
  scenario: Scenario,
  mode: Mode,
  clientGoCompatible: boolean,
): Promise<readonly (ParityCall | EventsCall)[]> {
  const clock = FakeTimers.install({ now: startMs, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  try {
    const server = new EventServer(scenario.server ?? {});
    if (mode === 'events') return await replayEvents(scenario, clock, server, clientGoCompatible);
    const sleepMs = positive(scenario.broadcaster?.sleepMs) ?? defaultSleepMs;
    const journal = new Journal({ scenario, server, startMs, sleepMs });
    const options = { ...scenario.options, clientGoCompatible, now: () => Date.now() };
    if (mode === 'correlator') {
      await play({ scenario, clock, journal, server }, correlatorPlayer(journal, options));
    } else {
      await playBroadcaster({ scenario, clock, journal, server }, options, sleepMs);
    }
    return journal.calls;
  } finally {
    clock.uninstall();
  }
}

async function replayEvents(
  scenario: Scenario,
  clock: Clock,
  server: EventServer,
  clientGoCompatible: boolean,
): Promise<readonly EventsCall[]> {
  const journal = new EventsJournal(scenario, server, { startMs, sleepMs: defaultSleepMs });
  const player = eventsPlayer(scenario, journal, { sleepMs: defaultSleepMs, logger: silentLogger, clientGoCompatible });
  await play({ scenario, clock, journal, server }, player);
  const calls = [...journal.calls];
  await player.end();
  return calls;
}

interface Stage {
  readonly scenario: Scenario;
  readonly clock: Clock;
  readonly journal: { now: Origin };
  readonly server: EventServer;
}

async function play({ scenario, clock, journal, server }: Stage, player: Player): Promise<void> {
  for (const [index, step] of scenario.steps.entries()) {
    for (let rep = 0; rep < repetitionsOf(step); rep += 1) {
      const occurrence = occurrenceOf(step, rep);
      const afterMs = occurrence.afterMs ?? 0;
      if (afterMs > 0) await clock.tickAsync(afterMs);
      journal.now = { step: index, rep };
      if (occurrence.action === undefined) player.record(occurrence);
      else if (occurrence.action === 'deleteAll') server.deleteAll();
      else player.act(occurrence.action);
      if (occurrence.noSettle !== true) await settle();
    }
  }
  await settle();
  await clock.tickAsync(drainMsOf(scenario));
  await settle();
}

/** Every promise that waits for no timer is done when the event loop comes around. */
function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

async function playBroadcaster(
  stage: Stage & { readonly journal: Journal },
  options: CorrelatorOptions,
  sleepMs: number,
): Promise<void> {
  const { scenario, journal } = stage;
  const cancellation = new AbortController();
  const broadcaster = new EventBroadcaster({
    ...options,
    sleepDurationMs: sleepMs,
    random: () => 0.5,
    signal: cancellation.signal,
    logger: silentLogger,
  });
  let sink: Watcher<CoreV1Event> | undefined;
  const actions: Readonly<Record<string, () => void>> = {
    sleep: () => undefined,
    startSink: () => (sink = broadcaster.startRecordingToSink(journal.newSink())),
    stopSink: () => sink?.stop(),
    shutdown: () => void broadcaster.shutdown(),
    cancel: () => cancellation.abort(),
  };
  const act = (action: string) => known(actions[action], action)();
  const record = (step: ScenarioStep) => recordStep(broadcaster, journal, step);
  if (!hasTag(scenario, 'startWithoutSink')) act('startSink');
  await play(stage, { record, act });
  // The clock is about to be the real one: nothing may be left that waits for it.
  await broadcaster.shutdown({ drainTimeoutMs: 0 });
}

function recordStep(broadcaster: EventBroadcaster, journal: Journal, step: ScenarioStep): void {
  const { recorder: source = {}, object, annotations, eventtype = '', reason = '', message = '' } = step;
  const recorder = broadcaster.newRecorder(source);
  // What a scenario records may be wrong in any way; the recorder is to say so.
  const reference: unknown = object ? { ...object, [originKey]: journal.now } : undefined;
  const type = eventtype as EventType;
  if (annotations === undefined) recorder.event(reference as Referable, type, reason, message);
  else recorder.annotatedEvent(reference as Referable, annotations, type, reason, message);
}

/** The correlator alone, with a sink that answers at once. */
function correlatorPlayer(journal: Journal, options: CorrelatorOptions): Player {
  const correlator = new EventCorrelator(options);
  const record = (step: ScenarioStep) => {
    const event = eventOf(step);
    if (event === undefined) {
      journal.note('reject');
      return;
    }
    const result = correlator.eventCorrelate(event);
    if (result.skip) {
      journal.note('skip');
      return;
    }
    const answer = write(journal, result);
    if (answer !== undefined) correlator.updateState(answer);
  };
  return { record, act: action => void known(action === 'sleep' ? action : undefined, action) };
}

/** What the server has after it; nothing if it refuses. */
function write(journal: Journal, { event, patch }: ReturnType<EventCorrelator['eventCorrelate']>): CoreV1Event | undefined {
  const isUpdate = event.count > 1 && patch !== undefined;
  try {
    if (isUpdate) return journal.patch(event, patch);
  } catch (error) {
    if (!isNotFound(error)) return undefined;
  }
  const { name, namespace, annotations } = event.metadata;
  const metadata = annotations === undefined ? { name, namespace } : { name, namespace, annotations };
  try {
    return journal.create({ ...event, metadata }, isUpdate);
  } catch {
    return undefined;
  }
}

/** The event that a recorder would make; nothing if it would refuse. */
function eventOf(step: ScenarioStep): CoreV1Event | undefined {
  const { recorder: source = {}, object: reference, annotations, eventtype: type = '', reason = '', message = '' } = step;
  if (!reference || (type !== 'Normal' && type !== 'Warning')) return undefined;
  const nowMs = Date.now();
  const name = generateEventName(reference.name ?? '', unixNanoOf(nowMs));
  return newEvent({ reference, name, annotations, type, reason, message, source, nowMs });
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

function known<T>(value: T | undefined, word: string): T {
  if (value === undefined) throw new RangeError(`unknown action ${word}`);
  return value;
}
