// EventsReplay: plays a scenario of events.k8s.io/v1. The caller has installed the fake clock.
import type { Logger } from '../../../src/logging/logger.ts';
import type { EventType } from '../../../src/record/core/core-event.ts';
import { EventsV1Broadcaster } from '../../../src/record/events/broadcaster.ts';
import type { Referable } from '../../../src/record/pipeline/reference.ts';
import type { Watcher } from '../../../src/broadcaster/watcher.ts';
import type { EventsV1Event } from '../../../src/record/events/event.ts';
import type { EventsJournal } from './events-journal.ts';
import { hasTag, type Scenario, type ScenarioStep } from '../scenarios/scenario.ts';

/** What is done with each step, and how it ends. */
export interface EventsPlayer {
  record(step: ScenarioStep): void;
  act(action: string): void;
  end(): Promise<unknown>;
}

export function eventsPlayer(
  scenario: Scenario,
  journal: EventsJournal,
  options: { readonly sleepMs: number; readonly logger: Logger; readonly clientGoCompatible: boolean },
): EventsPlayer {
  const broadcaster = new EventsV1Broadcaster({
    clientGoCompatible: options.clientGoCompatible,
    logger: options.logger,
    sleepDurationMs: options.sleepMs,
    // client-go checks nothing: what the server would refuse is a scenario's to send.
    ignoresServerLimits: true,
    now: () => Date.now(),
    random: () => 0.5,
  });
  let watching: Watcher<EventsV1Event> | undefined;
  /** client-go starts no sink under a context that is over. */
  let isCancelled = false;
  const start = () => {
    if (!isCancelled) watching = broadcaster.startRecordingToSink(journal);
  };
  const actions: Readonly<Record<string, () => void>> = {
    sleep: () => undefined,
    startSink: start,
    stopSink: () => watching?.stop(),
    cancel: () => {
      isCancelled = true;
      watching?.stop();
    },
    shutdown: () => void broadcaster.shutdown(),
  };
  const act = (action: string) => {
    const run = actions[action];
    if (run === undefined) throw new RangeError(`unknown action ${action}`);
    run();
  };
  if (!hasTag(scenario, 'startWithoutSink')) act('startSink');
  return {
    act,
    record: step => {
      recordStep(broadcaster, step);
    },
    end: () => broadcaster.shutdown({ drainTimeoutMs: 0 }),
  };
}

function recordStep(broadcaster: EventsV1Broadcaster, step: ScenarioStep): void {
  const { object, related, annotations, eventtype = '', reason = '', eventAction = '', message = '' } = step;
  const reportingController = step.recorder?.component ?? '';
  const reporter = { reportingController, reportingInstance: `${reportingController}-<hostname>` };
  // What a scenario records may be wrong in any way; the recorder is to say so.
  const [regarding, other] = [object, related] as unknown as readonly Referable[];
  const type = eventtype as EventType;
  broadcaster.newRecorder(reporter).annotatedEventf(regarding, other, annotations, type, reason, eventAction, message);
}
