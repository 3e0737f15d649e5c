// Makes the corpus: `node test/parity/corpus/corpus.ts` writes corpus/*.jsonl again: scenarios with what client-go's own code did with them.
//   Needs Go.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { allDirectedScenarios, randomScenarios } from '../scenarios/generate.ts';
import { variantsOf } from '../oracle/oracle.ts';
import type { Scenario } from '../scenarios/scenario.ts';

const randomCount = 600;
const runs = 8;
/** In characters: what is larger shows nothing that smaller ones do not. */
const largestEntries = { directed: 40_000, random: 8_000 };
const largestFiles = { core: 1_200_000, events: 300_000 };

/** Directed scenarios first, then random ones until the file is full; none whose outcome is a matter of chance. */
async function main(): Promise<void> {
  const scenarios = [...allDirectedScenarios(), ...randomScenarios(1, randomCount)];
  const variants = await variantsOf(scenarios, runs);
  const texts = { core: '', events: '' };
  for (const [index, scenario] of scenarios.entries()) {
    const [outputs, ...others] = variants[index] ?? [];
    const line = `${JSON.stringify({ scenario, outputs })}\n`;
    const api = scenario.api ?? 'core';
    const isSmall = line.length <= largestEntries[isDirected(scenario) ? 'directed' : 'random'];
    if (others.length === 0 && isSmall && texts[api].length + line.length <= largestFiles[api]) texts[api] += line;
  }
  for (const [api, text] of Object.entries(texts)) writeFileSync(path.join(import.meta.dirname, `${api}.jsonl`), text);
}

function isDirected({ name }: Scenario): boolean {
  return !/random-\d/.test(name);
}

await main();
