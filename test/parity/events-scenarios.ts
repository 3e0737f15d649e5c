// Generates scenarios of events.k8s.io/v1: `node test/parity/events-scenarios.ts FOLDER [SEED [COUNT]]` writes one JSON file each. The same
// seed gives the same scenarios. After it: oracle/ prints what client-go does with them; corpus/events.jsonl keeps both.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Scenario, ScenarioReference, ScenarioStep } from './scenario.ts';
import { SeededRandom } from './seeded-random.ts';
import { scriptedErrorNames } from './sink-errors.ts';

const pod: ScenarioReference = { apiVersion: 'v1', kind: 'Pod', name: 'pod-1', namespace: 'ns-1', uid: 'uid-1' };
const pauses = [0, 1, 10, 999, 1_000, 60_000, 359_999, 360_000, 360_001, 720_000, 1_800_001, 3_600_000];

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
  scenario('sink-stopped', [step(), { afterMs: 1_000, action: 'stopSink' }, step()]),
];

const errors = scriptedErrorNames.flatMap(error =>
  (['create', 'patch'] as const).map(on =>
    scenario(`error-${on}-${error}`, [step({ repeat: on === 'create' ? 1 : 2 }), sleep(200_000), step()], {
      sinkErrors: [{ on, from: 1, times: 2, error }],
    }),
  ),
);

function randomScenario(index: number, random: SeededRandom): Scenario {
  const steps: ScenarioStep[] = [];
  for (let count = random.integer(2, 8); count > 0; count -= 1) {
    const repeat = random.chance(0.5) ? random.integer(2, 12) : 1;
    steps.push(
      step({
        afterMs: random.pick(pauses),
        object: { ...pod, name: random.pick(['pod-1', 'pod-2']) },
        reason: random.pick(['Reason', 'Another']),
        eventAction: random.pick(['Acting', 'Resting']),
        message: random.pick(['note', 'n{i}', '<&> ü']),
        ...(random.chance(0.2) ? { related: { ...pod, name: 'pod-3' } } : {}),
        ...(repeat > 1 ? { repeat } : {}),
      }),
    );
    if (random.chance(0.1)) steps.push({ afterMs: random.pick(pauses), action: random.pick(['sleep', 'deleteAll'] as const) });
  }
  return scenario(`random-${index}`, steps);
}

function main([folder, seed = '1', count = '60']: readonly string[]): void {
  if (folder === undefined) throw new Error('usage: events-scenarios.ts FOLDER [SEED [COUNT]]');
  mkdirSync(folder, { recursive: true });
  const random = Array.from({ length: Number(count) }, (_, index) =>
    randomScenario(index, new SeededRandom(Number(seed) * 100_003 + index)),
  );
  for (const made of [...directed, ...errors, ...random]) {
    writeFileSync(path.join(folder, `${made.name}.json`), JSON.stringify(made));
  }
}

if (import.meta.main) main(process.argv.slice(2));
