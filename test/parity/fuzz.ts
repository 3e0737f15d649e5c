// npm run parity:fuzz -- [SEED [COUNT]]: plays random scenarios through client-go's own code and through the replay, and prints those of
// which the calls differ. Needs Go.
import { isDeepStrictEqual } from 'node:util';
import { randomScenarios, allDirectedScenarios } from './scenarios/generate.ts';
import { variantsOf } from './oracle/oracle.ts';
import { replay, type ReplayOutput } from './replay/core.ts';
import type { Scenario } from './scenarios/scenario.ts';

const usage = `npm run parity:fuzz -- [SEED [COUNT]]

Plays the directed scenarios and COUNT random ones (default: 1000; the same for the same SEED) here and in client-go, several times
there. Prints one JSON line for each that differs: {"scenario": …, "mode": …, "call": INDEX, "here": …, "clientGo": …}; its exit code is 1
then. What client-go itself does in more than one way, and here in none of those seen, is only counted as undecided.
`;
const runs = 3;
/** A difference is checked again so many times, because the order of a small Go map rarely varies. */
const runsOfDifferent = 20;

type Outputs = ReplayOutput['outputs'];

interface Difference {
  readonly mode: string;
  readonly call: number;
  readonly here: unknown;
  readonly clientGo: unknown;
}

/** The first call that is not the same. */
function firstDifference(here: Outputs, there: Outputs): Difference | undefined {
  for (const mode of new Set([...Object.keys(here), ...Object.keys(there)] as (keyof Outputs)[])) {
    const [ours, theirs] = [here[mode]?.calls ?? [], there[mode]?.calls ?? []];
    for (let call = 0; call < Math.max(ours.length, theirs.length); call += 1) {
      if (!isDeepStrictEqual(ours[call], theirs[call])) return { mode, call, here: ours[call], clientGo: theirs[call] };
    }
  }
  return undefined;
}

async function replayed(scenario: Scenario): Promise<Outputs> {
  const { outputs } = await replay(scenario, { clientGoCompatible: true });
  // As JSON has it: fields that are undefined are none.
  return JSON.parse(JSON.stringify(outputs)) as Outputs;
}

interface Played {
  readonly scenario: Scenario;
  readonly here: Outputs;
}

/** Those which in none of `times` runs of client-go had the calls that they have here, with all that they had there. */
async function different(
  played: readonly Played[],
  times: number,
): Promise<readonly (Played & { outcomes: readonly Outputs[] })[]> {
  const variants = await variantsOf(
    played.map(({ scenario }) => scenario),
    times,
  );
  return played
    .map((one, index) => ({ ...one, outcomes: variants[index] ?? [] }))
    .filter(({ here, outcomes }) => outcomes.every(outcome => firstDifference(here, outcome) !== undefined));
}

async function main([seed = '1', count = '1000']: readonly string[]): Promise<number> {
  if (!/^\d+$/.test(seed) || !/^\d+$/.test(count)) {
    process.stderr.write(usage);
    return 2;
  }
  const played: Played[] = [];
  for (const scenario of [...allDirectedScenarios(), ...randomScenarios(Number(seed), Number(count))])
    played.push({ scenario, here: await replayed(scenario) });
  const candidates = await different(played, runs);
  const left = candidates.length === 0 ? [] : await different(candidates, runsOfDifferent);
  const failed = left.filter(({ outcomes }) => outcomes.length === 1);
  for (const { scenario, here, outcomes } of failed)
    process.stdout.write(`${JSON.stringify({ scenario, ...firstDifference(here, outcomes[0] ?? {}) })}\n`);
  const tally = { equal: played.length - left.length, undecided: left.length - failed.length, different: failed.length };
  process.stderr.write(`${JSON.stringify({ seed, scenarios: played.length, ...tally })}\n`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
