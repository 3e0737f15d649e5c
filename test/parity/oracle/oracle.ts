// Oracle: what client-go's own code does with scenarios. The Go program is beside it.
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cached, digestOf } from '../../../tools/cache.ts';
import { cacheFolder } from '../../../tools/cache-folder.ts';
import { run } from '../../../tools/command.ts';
import type { ReplayOutput } from '../replay/core.ts';
import type { Scenario } from '../scenarios/scenario.ts';

function oracleProgram(): Promise<string> {
  const folder = import.meta.dirname;
  const sources = readdirSync(folder)
    .filter(name => !name.endsWith('.ts'))
    .map(name => readFileSync(path.join(folder, name)));
  const target = path.join(cacheFolder, 'oracle', digestOf(...sources), 'oracle');
  return cached(target, 'building the program that asks client-go', async output => {
    await run('go', ['test', '-c', '-o', output, '.'], { cwd: folder });
  });
}

/** The outcome of each scenario, in their order. Where client-go leaves something to chance, another time may give another one. */
export async function outcomesOf(scenarios: readonly Scenario[]): Promise<readonly ReplayOutput['outputs'][]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-oracle-'));
  const [input, output] = [path.join(folder, 'scenarios.jsonl'), path.join(folder, 'outcomes.jsonl')];
  try {
    await writeFile(input, scenarios.map(scenario => JSON.stringify(scenario)).join('\n'));
    const environment = { ORACLE_SCENARIOS: input, ORACLE_OUTPUT: output };
    await run(await oracleProgram(), ['-test.run', 'TestOracle'], { environment });
    const lines = (await readFile(output, 'utf8')).trimEnd().split('\n');
    return lines.map(line => (JSON.parse(line) as ReplayOutput).outputs);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * All outcomes of each scenario that `times` runs showed. More than one where client-go leaves something to chance: the order of a
 * Go map, or of goroutines, or what a random pause overlaps with.
 */
export async function variantsOf(
  scenarios: readonly Scenario[],
  times: number,
): Promise<readonly (readonly ReplayOutput['outputs'][])[]> {
  const variants = scenarios.map(() => new Map<string, ReplayOutput['outputs']>());
  for (let time = 0; time < times; time += 1) {
    for (const [index, outcome] of (await outcomesOf(scenarios)).entries())
      variants[index]?.set(JSON.stringify(outcome), outcome);
  }
  return variants.map(outcomes => [...outcomes.values()]);
}
