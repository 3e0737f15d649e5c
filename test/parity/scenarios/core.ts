// Random scenarios of core/v1 events: anything that the format allows, boundaries more often than the rest.
import type { Scenario, ScenarioReference, ScenarioStep, SinkErrorRule } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import { scriptedErrorNames } from '../replay/sink-errors.ts';

type Options = NonNullable<Scenario['options']>;

/** Everything that two steps of one scenario have in common. */
interface Climate {
  readonly objects: readonly ScenarioReference[];
  readonly messages: readonly string[];
  readonly pauses: readonly number[];
  readonly isStrange: boolean;
  /** Steps follow each other while the sink still works, or sleeps before it tries again. */
  readonly isHasty: boolean;
}

const names = [
  'pod-1',
  'a.b.c',
  'Pod-Upper',
  'fe80::1',
  'under_score',
  '1',
  '',
  '-pod',
  'pod-',
  'a..b',
  'pod.',
  'pöd',
  '豆',
  'a b',
  'pod/1',
  'pod\u0000',
  'x'.repeat(236),
  'x'.repeat(237),
  'y'.repeat(238),
  'y'.repeat(253),
  'ä'.repeat(118),
  `${'z'.repeat(230)}.abcde`,
];
const kinds = ['Pod', 'Pod', 'Node', 'Deployment', 'podKind', 'K<&>'];
const strangeMessages = [
  '',
  ' ',
  '{i}',
  'quote " \\ < > & \u2028 \u2029 ü 😀',
  'control \u0000 \b \f \n \r \t \u001f \u007f \u0085 \u00a0 \ufeff \uffff',
  '%s %d %% %!',
  'ctlnode-1',
  '\u0000',
  `long ${'ü'.repeat(700)} {i}`,
  `longer ${'z'.repeat(3_000)}`,
  '(combined from similar events): message',
  '(combined from similar events): m{i}',
];
const annotations: readonly Readonly<Record<string, string>>[] = [
  {},
  { a: '1' },
  { a: '{i}', b: '2' },
  { z: '', 'example.com/a': 'ü < > &', '{i}': 'x' },
];
const usualPauses = [0, 1, 10, 100, 500, 999, 1_000, 1_000, 1_000, 1_001, 1_500, 10_000, 61_234];

function optional<K extends string, V>(key: K, value: () => V, isThere: boolean): Partial<Record<K, V>> {
  return isThere ? ({ [key]: value() } as Partial<Record<K, V>>) : {};
}

function reference(random: SeededRandom, isStrange: boolean): ScenarioReference {
  const isEmpty = isStrange && random.chance(0.1);
  return {
    apiVersion: isEmpty ? '' : random.pick(['v1', 'v1', 'v1', 'apps/v1']),
    kind: isEmpty ? '' : random.pick(isStrange ? kinds : ['Pod', 'Pod', 'Deployment']),
    name: isStrange ? random.pick(names) : random.pick(['pod-1', 'pod-1', 'pod-2', 'pod-3']),
    ...optional('namespace', () => random.pick(isStrange ? ['ns-1', '', 'ns-2'] : ['ns-1', 'ns-1', 'ns-2']), random.chance(0.9)),
    ...optional('uid', () => random.pick(['uid-1', 'uid-1', 'uid-2', '']), random.chance(0.95)),
    ...optional('fieldPath', () => random.pick(['spec.containers{a}', 'spec.containers{b}', '']), random.chance(0.15)),
    ...optional('resourceVersion', () => random.pick(['7', '8', '{i}']), random.chance(0.15)),
  };
}

function options(random: SeededRandom): Options {
  return {
    ...optional('lruCacheSize', () => random.pick([1, 1, 2, 3, 5, 0, -1]), random.chance(0.3)),
    ...optional('burstSize', () => random.pick([1, 1, 2, 5, 10, 1_000, 0, -1]), random.chance(0.35)),
    ...optional(
      'qps',
      () => random.pick([1e-9, 0.001, 0.0033, 0.01, 0.1, 0.3, 1 / 3, 1, 2.5, 10, 1e6, 0, -1]),
      random.chance(0.35),
    ),
    ...optional('maxEvents', () => random.pick([1, 1, 2, 3, 5, 100, 0, -1]), random.chance(0.35)),
    ...optional('maxIntervalInSeconds', () => random.pick([1, 1, 2, 60, 3_600, 0, -1]), random.chance(0.35)),
  };
}

/** The times at which a group ends, a token returns or a stored event expires; a millisecond before and after as well. */
function boundaries({ maxIntervalInSeconds = 0, qps = 0 }: Options, ttlMs: number): readonly number[] {
  const interval = maxIntervalInSeconds > 0 ? maxIntervalInSeconds * 1_000 : 600_000;
  const refill = qps > 0 ? Math.min(Math.round(1_000 / qps), 86_400_000) : 300_000;
  const times = ttlMs > 0 ? [interval, refill, ttlMs] : [interval, refill];
  return times.flatMap(time => [Math.max(0, time - 1), time, time + 1]);
}

function eventStep(random: SeededRandom, climate: Climate): ScenarioStep {
  const { objects, messages, pauses, isStrange, isHasty } = climate;
  const repeat = random.chance(0.5) ? random.integer(2, random.pick([4, 12, 30])) : 1;
  return {
    afterMs: random.chance(0.75) ? random.pick(usualPauses) : random.pick(pauses),
    ...optional(
      'recorder',
      () => ({
        component: random.pick(['ctl', 'ctl', 'ctl', 'other', isStrange ? '' : 'ctl']),
        ...optional('host', () => random.pick(['node-1', 'node-1', '']), random.chance(0.9)),
      }),
      !isStrange || random.chance(0.95),
    ),
    object: isStrange && random.chance(0.03) ? null : random.pick(objects),
    eventtype:
      isStrange && random.chance(0.1)
        ? random.pick(['normal', '', 'Error', ' Normal'])
        : random.pick(['Normal', 'Normal', 'Warning']),
    reason: random.pick(['Reason', 'Reason', 'Another', isStrange ? '' : 'Reason', isStrange ? 'R{i}<&>' : 'Reason']),
    message: random.pick(messages),
    ...optional('annotations', () => random.pick(annotations), random.chance(0.12)),
    ...optional('repeat', () => repeat, repeat > 1),
    ...optional('noSettle', () => true, isHasty && random.chance(0.6)),
  };
}

function sinkErrors(random: SeededRandom): readonly SinkErrorRule[] {
  const favourites = ['network', 'notFound', 'alreadyExists', 'appliedThenNetwork', 'unexpectedObject', 'internal'];
  return Array.from({ length: random.integer(1, 4) }, () => ({
    on: random.pick(['create', 'patch', 'any'] as const),
    from: random.integer(1, 9),
    ...optional('times', () => random.pick([1, 1, 2, 3, 11, 12, 13, 0]), random.chance(0.9)),
    error: random.chance(0.5) ? random.pick(favourites) : random.pick(scriptedErrorNames),
  }));
}

function climate(random: SeededRandom, boundaryPauses: readonly number[], isFailing: boolean): Climate {
  const isStrange = random.chance(0.3);
  const usual = ['message', 'm{i}', 'other'];
  return {
    objects: Array.from({ length: random.integer(1, 4) }, () => reference(random, isStrange)),
    messages: isStrange ? [...usual, random.pick(strangeMessages), random.pick(strangeMessages)] : usual,
    pauses: [...boundaryPauses, 1_800_001, 3_600_000],
    isStrange,
    isHasty: random.chance(isFailing ? 0.3 : 0.05),
  };
}

/** Ends and beginnings of a sink among the steps; two sinks at once would compete, so one stops before another starts. */
function lifecycle(random: SeededRandom, hasSink: boolean): readonly ScenarioStep[] {
  const afterMs = random.pick(usualPauses);
  if (!hasSink) return [{ afterMs, action: 'startSink' }];
  const action = random.pick(['stopSink', 'shutdown', 'cancel', 'stopSink', 'stopSink'] as const);
  return [{ afterMs, action }];
}

function steps(
  random: SeededRandom,
  climate: Climate,
  weather: { isFailing: boolean; hasLifecycle: boolean; startsLate: boolean },
): ScenarioStep[] {
  const made: ScenarioStep[] = [];
  let hasSink = !weather.startsLate;
  for (let count = random.integer(2, 8); count > 0; count -= 1) {
    made.push(eventStep(random, climate));
    if (random.chance(0.1)) {
      const action = random.pick(['sleep', 'deleteAll'] as const);
      made.push({ afterMs: random.pick(climate.pauses), action, ...optional('repeat', () => 2, random.chance(0.1)) });
    }
    if (weather.hasLifecycle && random.chance(0.3)) {
      // What is in flight when a sink ends is lost at random in client-go.
      made.push({ afterMs: 0, action: 'sleep' }, ...lifecycle(random, hasSink));
      hasSink = made.at(-1)?.action === 'startSink';
    }
    // Until all attempts are over, most of the time: what overlaps with retries is partly a matter of chance in client-go.
    if (weather.isFailing && !climate.isHasty) made.push({ afterMs: 200_000, action: 'sleep' });
  }
  return made;
}

/** A scenario as a controller might make it, or as none would. */
export function randomCoreScenario(name: string, random: SeededRandom): Scenario {
  const isFailing = random.chance(0.25);
  const [hasLifecycle, startsLate] = [random.chance(0.1), random.chance(0.05)];
  const ttlMs = random.chance(0.15) ? random.pick([1_000, 60_000, 3_600_000]) : 0;
  const chosen = options(random);
  const weather = { isFailing, hasLifecycle: hasLifecycle || startsLate, startsLate };
  return {
    name,
    options: chosen,
    ...optional('broadcaster', () => ({ sleepMs: random.pick([1, 100, 5_000, 0]) }), random.chance(0.15)),
    server: random.chance(0.12) ? { kind: 'echo' } : { ...optional('ttlMs', () => ttlMs, ttlMs > 0) },
    ...optional('tags', () => ['startWithoutSink'], startsLate),
    ...optional('sinkErrors', () => sinkErrors(random), isFailing),
    ...optional('drainMs', () => random.pick([0, 1_000, 15_000, 1_000_000]), random.chance(0.08)),
    steps: steps(random, climate(random, boundaries(chosen, ttlMs), isFailing), weather),
  };
}
