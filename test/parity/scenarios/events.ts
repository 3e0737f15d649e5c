// Scenarios of events.k8s.io/v1: some that each aim at one rule of client-go, and random ones.
import type { Scenario, ScenarioReference, ScenarioStep, SinkErrorRule } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import { scriptedErrorNames } from '../replay/sink-errors.ts';

const pod: ScenarioReference = { apiVersion: 'v1', kind: 'Pod', name: 'pod-1', namespace: 'ns-1', uid: 'uid-1' };
const pauses = [
  0, 1, 10, 999, 1_000, 1_500, 60_000, 359_999, 360_000, 360_001, 719_999, 720_000, 720_001, 1_799_999, 1_800_000, 1_800_001,
  3_600_000,
];

function step(changes: ScenarioStep = {}): ScenarioStep {
  return {
    afterMs: 1_000,
    recorder: { component: 'example.com/ctl' },
    object: pod,
    eventtype: 'Normal',
    reason: 'Reason',
    eventAction: 'Acting',
    message: 'note',
    ...changes,
  };
}

function sleep(afterMs: number): ScenarioStep {
  return { afterMs, action: 'sleep' };
}

function scenario(name: string, steps: readonly ScenarioStep[], changes: Partial<Scenario> = {}): Scenario {
  return { name: `v1-${name}`, api: 'events', steps, ...changes };
}

const directed: readonly Scenario[] = [
  scenario('third-is-silent', [step({ repeat: 4 })]),
  scenario('refreshed-after-30-minutes', [step({ repeat: 4 }), step({ afterMs: 300_000, repeat: 8 })]),
  scenario('finished-after-6-minutes', [step({ repeat: 4 }), sleep(900_000), step({ repeat: 2 })]),
  scenario('singleton-forgotten', [step(), sleep(800_000), step()]),
  scenario('note-is-not-in-the-key', [step({ message: 'n{i}', repeat: 3 })]),
  scenario('action-is-in-the-key', [step({ eventAction: 'Act{i}', repeat: 3 })]),
  scenario('reason-and-type-are-in-the-key', [step(), step({ reason: 'Another' }), step({ eventtype: 'Warning' }), step()]),
  scenario('resource-version-is-in-the-key', [step({ object: { ...pod, resourceVersion: '{i}' }, repeat: 3 })], {
    tags: ['upstream-bug'],
  }),
  scenario('related', [step({ related: { ...pod, name: 'pod-2' }, repeat: 2 }), step({ repeat: 2 })]),
  scenario('annotations', [step({ annotations: { a: '1' }, repeat: 2 }), step({ annotations: { b: '2' } })]),
  scenario('cluster-scoped', [step({ object: { apiVersion: 'v1', kind: 'Node', name: 'node-1' }, repeat: 2 })]),
  scenario('wrong-type', [step({ eventtype: 'normal' }), step()]),
  scenario('no-object', [step({ object: null }), step()]),
  scenario('upper-case-name', [step({ object: { ...pod, name: 'Pod-1' }, repeat: 2 })]),
  scenario('gone-from-the-server', [step(), { afterMs: 1_000, action: 'deleteAll' }, step({ repeat: 2 })]),
  scenario('echo', [step({ repeat: 3 }), sleep(2_000_000)], { server: { kind: 'echo' } }),
  scenario('no-sink-yet', [step(), { afterMs: 1_000, action: 'startSink' }, step()], { tags: ['startWithoutSink'] }),
  scenario('next-start-refreshes-and-finishes', [
    step({ repeat: 3 }),
    { afterMs: 1_000, action: 'stopSink' },
    { afterMs: 900_000, action: 'startSink' },
    step({ repeat: 2 }),
  ]),
  scenario('sink-stopped', [step(), { afterMs: 1_000, action: 'stopSink' }, step()]),
];

const errors = scriptedErrorNames.flatMap(error =>
  (['create', 'patch'] as const).map(on =>
    scenario(`error-${on}-${error}`, [step({ repeat: on === 'create' ? 1 : 2 }), sleep(200_000), step()], {
      sinkErrors: [{ on, from: 1, times: 2, error }],
    }),
  ),
);

export function directedEventsScenarios(): readonly Scenario[] {
  return [...directed, ...errors];
}

const names = ['pod-1', 'pod-1', 'pod-2', 'Pod-Upper', 'fe80::1', 'x'.repeat(237), 'y'.repeat(253), '', 'pöd'];
const notes = ['note', 'n{i}', '', '<&> ü \u2028 \u0000 \b', `long ${'ü'.repeat(700)}`, '%s %d'];

function reference(random: SeededRandom): ScenarioReference {
  return {
    ...pod,
    name: random.chance(0.8) ? random.pick(['pod-1', 'pod-2']) : random.pick(names),
    ...(random.chance(0.1) ? { namespace: '' } : {}),
    ...(random.chance(0.1) ? { resourceVersion: random.pick(['7', '{i}']) } : {}),
    ...(random.chance(0.1) ? { fieldPath: 'spec.containers{a}' } : {}),
  };
}

function eventStep(random: SeededRandom, objects: readonly ScenarioReference[]): ScenarioStep {
  const repeat = random.chance(0.5) ? random.integer(2, 12) : 1;
  return step({
    // Two events in one instant race in client-go: each has a goroutine of its own.
    afterMs: Math.max(1, random.pick(pauses)),
    recorder: { component: random.pick(['example.com/ctl', 'example.com/ctl', 'other', '']) },
    object: random.chance(0.02) ? null : random.pick(objects),
    eventtype: random.chance(0.95) ? random.pick(['Normal', 'Normal', 'Warning']) : random.pick(['normal', '']),
    reason: random.pick(['Reason', 'Reason', 'Another', '']),
    eventAction: random.pick(['Acting', 'Acting', 'Resting', '']),
    message: random.pick(notes),
    ...(random.chance(0.2) ? { related: random.chance(0.1) ? null : { ...pod, name: 'pod-3' } } : {}),
    ...(random.chance(0.1) ? { annotations: random.pick<Record<string, string>>([{ a: '{i}' }, {}, { b: '' }]) } : {}),
    ...(repeat > 1 ? { repeat } : {}),
  });
}

function sinkErrors(random: SeededRandom): readonly SinkErrorRule[] {
  return Array.from({ length: random.integer(1, 3) }, () => ({
    on: random.pick(['create', 'patch', 'any'] as const),
    from: random.integer(1, 6),
    times: random.pick([1, 1, 2, 3, 12, 13]),
    error: random.chance(0.4) ? random.pick(['network', 'notFound', 'alreadyExists']) : random.pick(scriptedErrorNames),
  }));
}

/** The end of the sink, or of all; a sink that was stopped has a successor most of the time. */
function interruption(random: SeededRandom): readonly ScenarioStep[] {
  const end: ScenarioStep = { afterMs: 1_000, action: random.pick(['stopSink', 'stopSink', 'shutdown', 'cancel'] as const) };
  return end.action !== 'shutdown' && random.chance(0.6) ? [end, { afterMs: random.pick(pauses), action: 'startSink' }] : [end];
}

/** A scenario as a controller might make it, or as none would. */
export function randomEventsScenario(name: string, random: SeededRandom): Scenario {
  const isFailing = random.chance(0.25);
  const objects = Array.from({ length: random.integer(1, 3) }, () => reference(random));
  const steps: ScenarioStep[] = [];
  for (let count = random.integer(2, 8); count > 0; count -= 1) {
    steps.push(eventStep(random, objects));
    if (random.chance(0.15)) steps.push({ afterMs: random.pick(pauses), action: random.pick(['sleep', 'deleteAll'] as const) });
    if (random.chance(0.03)) steps.push(...interruption(random));
    if (isFailing) steps.push(sleep(200_001));
  }
  return {
    name,
    api: 'events',
    ...(random.chance(0.1) ? { server: { kind: 'echo' } } : {}),
    ...(random.chance(0.2) ? { server: { ttlMs: random.pick([1_000, 360_000, 3_600_000]) } } : {}),
    ...(isFailing ? { sinkErrors: sinkErrors(random) } : {}),
    ...(random.chance(0.1) ? { drainMs: random.pick([0, 400_000, 4_000_000]) } : {}),
    steps,
  };
}
