// Generates scenarios: `node test/parity/generate.ts FOLDER [SEED [COUNT]]` writes one JSON file each. The same seed gives the same
// scenarios. After it: oracle/ prints what client-go does with them, corpus/ keeps both.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { directedScenarios } from './directed-scenarios.ts';
import type { Scenario, ScenarioReference, ScenarioStep, SinkErrorRule } from './scenario.ts';
import { SeededRandom } from './seeded-random.ts';
import { scriptedErrorNames } from './sink-errors.ts';

const pauses = [
  0, 1, 10, 100, 500, 999, 1_000, 1_001, 1_500, 10_000, 60_000, 61_234, 299_999, 300_000, 360_001, 600_000, 600_001, 1_800_001,
  3_600_000,
];
const names = ['pod-1', 'pod-2', 'a.b.c', 'Pod-Upper', 'fe80::1', 'x'.repeat(236), 'y'.repeat(240), 'under_score', '1', ''];
const messages = ['message', 'm{i}', 'other', '', 'quote " < > & \u2028 ü 😀', 'ctlnode-1'];

function reference(random: SeededRandom): ScenarioReference {
  const isUsual = random.chance(0.8);
  const name = isUsual ? random.pick(['pod-1', 'pod-2', 'pod-3']) : random.pick(names);
  return {
    apiVersion: random.pick(['v1', 'v1', 'v1', 'apps/v1']),
    kind: random.pick(['Pod', 'Pod', 'Pod', 'Deployment']),
    name,
    ...(random.chance(0.9) ? { namespace: random.pick(['ns-1', 'ns-1', 'ns-2']) } : {}),
    uid: random.pick(['uid-1', 'uid-1', 'uid-2']),
    ...(random.chance(0.1) ? { fieldPath: random.pick(['spec.containers{a}', 'spec.containers{b}']) } : {}),
    ...(random.chance(0.1) ? { resourceVersion: random.pick(['7', '8']) } : {}),
  };
}

function eventStep(random: SeededRandom, objects: readonly ScenarioReference[]): ScenarioStep {
  const repeat = random.chance(0.5) ? random.integer(2, 30) : 1;
  return {
    afterMs: random.chance(0.7) ? random.pick([100, 500, 999, 1_000, 1_500]) : random.pick(pauses),
    recorder: { component: random.pick(['ctl', 'ctl', 'other']), host: random.pick(['node-1', 'node-1', '']) },
    object: random.pick(objects),
    eventtype: random.chance(0.97) ? random.pick(['Normal', 'Normal', 'Warning']) : 'normal',
    reason: random.pick(['Reason', 'Reason', 'Another']),
    message: random.pick(messages),
    ...(random.chance(0.1) ? { annotations: random.pick<Record<string, string>>([{ a: '1' }, { a: '{i}', b: '2' }, {}]) } : {}),
    ...(repeat > 1 ? { repeat } : {}),
  };
}

function options(random: SeededRandom): NonNullable<Scenario['options']> {
  return {
    ...(random.chance(0.3) ? { lruCacheSize: random.pick([1, 2, 3, 5, -1]) } : {}),
    ...(random.chance(0.3) ? { burstSize: random.pick([1, 2, 5, 10, 1_000, -1]) } : {}),
    ...(random.chance(0.3) ? { qps: random.pick([0.001, 0.01, 0.1, 0.3, 1, 10, -1]) } : {}),
    ...(random.chance(0.3) ? { maxEvents: random.pick([1, 2, 3, 5, 100]) } : {}),
    ...(random.chance(0.3) ? { maxIntervalInSeconds: random.pick([1, 2, 60, 3_600]) } : {}),
  };
}

function sinkErrors(random: SeededRandom): readonly SinkErrorRule[] {
  return Array.from({ length: random.integer(1, 3) }, () => ({
    on: random.pick(['create', 'patch', 'any'] as const),
    from: random.integer(1, 6),
    times: random.pick([1, 1, 2, 3, 12, 13]),
    error: random.pick(scriptedErrorNames),
  }));
}

function server(random: SeededRandom): NonNullable<Scenario['server']> {
  if (random.chance(0.1)) return { kind: 'echo' };
  return random.chance(0.2) ? { ttlMs: random.pick([1_000, 60_000, 3_600_000]) } : {};
}

/** A scenario as a controller might make it, with anything in it that the format knows of core/v1. */
export function randomScenario(name: string, random: SeededRandom): Scenario {
  const objects = Array.from({ length: random.integer(1, 4) }, () => reference(random));
  const isFailing = random.chance(0.25);
  const steps: ScenarioStep[] = [];
  for (let count = random.integer(2, 8); count > 0; count -= 1) {
    steps.push(eventStep(random, objects));
    if (random.chance(0.1)) steps.push({ afterMs: random.pick(pauses), action: random.pick(['sleep', 'deleteAll'] as const) });
    // Retries that overlap in client-go's own random order would show nothing.
    if (isFailing) steps.push({ afterMs: 200_000, action: 'sleep' });
  }
  return {
    name,
    options: options(random),
    broadcaster: random.chance(0.1) ? { sleepMs: random.pick([1, 100, 5_000]) } : {},
    server: server(random),
    ...(isFailing ? { sinkErrors: sinkErrors(random) } : {}),
    steps,
  };
}

function main([folder, seed = '1', count = '300']: readonly string[]): void {
  if (folder === undefined) throw new Error('usage: generate.ts FOLDER [SEED [COUNT]]');
  mkdirSync(folder, { recursive: true });
  const random = Array.from({ length: Number(count) }, (_, index) =>
    randomScenario(`random-${seed}-${index}`, new SeededRandom(Number(seed) * 100_003 + index)),
  );
  for (const scenario of [...directedScenarios(), ...random]) {
    writeFileSync(path.join(folder, `${scenario.name}.json`), JSON.stringify(scenario, undefined, 1));
  }
}

if (import.meta.main) main(process.argv.slice(2));
