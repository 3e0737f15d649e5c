// Makes the corpus: `node test/parity/corpus.ts ORACLE-OUTPUT SCENARIO-FILE…` joins scenarios with what oracle/ printed for them.
//   Before it: generate.ts, then `go test -run TestOracle` in oracle/ with ORACLE_FILES and ORACLE_OUTPUT. After it: parity.test.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ReplayOutput } from './replay.ts';
import { hasTag, modesOf, type Scenario } from './scenario.ts';

const largestCorpus = 1_200_000;
const largestEntry = 40_000;

/** Directed scenarios first, then random ones from small to large until it is full; none whose outcome is a matter of chance. */
function main([output, ...files]: readonly string[]): void {
  if (output === undefined || files.length === 0) throw new Error('usage: corpus.ts ORACLE-OUTPUT SCENARIO-FILE…');
  const lines = readFileSync(output, 'utf8').trimEnd().split('\n');
  const outputs = new Map(lines.map(line => JSON.parse(line) as ReplayOutput).map(entry => [entry.scenario, entry.outputs]));
  const entries = files
    .map(file => JSON.parse(readFileSync(file, 'utf8')) as Scenario)
    .filter(scenario => modesOf(scenario).length > 0 && !hasTag(scenario, 'nondeterministic'))
    .map(scenario => ({ scenario, line: `${JSON.stringify({ scenario, outputs: outputs.get(scenario.name) })}\n` }))
    .filter(({ line }) => line.length <= largestEntry)
    .sort((a, b) => Number(isRandom(a.scenario)) - Number(isRandom(b.scenario)) || a.line.length - b.line.length);
  let text = '';
  for (const { line } of entries) if (text.length + line.length <= largestCorpus) text += line;
  writeFileSync(path.join(import.meta.dirname, 'corpus', 'core.jsonl'), text);
}

function isRandom({ name }: Scenario): boolean {
  return name.startsWith('random-');
}

main(process.argv.slice(2));
