// Generates scenarios: `node test/parity/scenarios/generate.ts [SEED [COUNT]]` prints one a line. The same seed gives the same scenarios.
import { randomCoreScenario } from './core.ts';
import { directedScenarios } from './directed.ts';
import { directedEventsScenarios, randomEventsScenario } from './events.ts';
import type { Scenario } from './scenario.ts';
import { SeededRandom } from './seeded-random.ts';

/** One in so many is of events.k8s.io/v1, whose rules are fewer. */
const eventsShare = 5;

/** `count` random scenarios. */
export function randomScenarios(seed: number, count: number): readonly Scenario[] {
  return Array.from({ length: count }, (_, index) => {
    const random = new SeededRandom(seed * 100_003 + index);
    return index % eventsShare === eventsShare - 1
      ? randomEventsScenario(`v1-random-${seed}-${index}`, random)
      : randomCoreScenario(`random-${seed}-${index}`, random);
  });
}

/** Those that each aim at one rule. */
export function allDirectedScenarios(): readonly Scenario[] {
  return [...directedScenarios(), ...directedEventsScenarios()];
}

function main([seed = '1', count = '300']: readonly string[]): void {
  for (const scenario of [...allDirectedScenarios(), ...randomScenarios(Number(seed), Number(count))])
    process.stdout.write(`${JSON.stringify(scenario)}\n`);
}

if (import.meta.main) main(process.argv.slice(2));
