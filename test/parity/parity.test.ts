// Replays the corpus: scenarios with the calls that client-go's own code made for them (oracle/), one JSON line each.
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { replay, type ReplayOutput } from './replay/core.ts';
import type { Scenario } from './scenarios/scenario.ts';

interface Entry {
  readonly scenario: Scenario;
  readonly outputs: ReplayOutput['outputs'];
}

const corpus = ['core.jsonl', 'events.jsonl']
  .map(file => readFileSync(path.join(import.meta.dirname, 'corpus', file), 'utf8'))
  .join('\n')
  .split('\n')
  .filter(line => line !== '')
  .map(line => JSON.parse(line) as Entry);

describe('parity with client-go v0.37.2', () => {
  for (const { scenario, outputs } of corpus) {
    it(scenario.description === undefined ? scenario.name : `${scenario.name}: ${scenario.description}`, async () => {
      const replayed = await replay(scenario, { clientGoCompatible: true });
      // As JSON has it: fields that are undefined are none.
      expect(JSON.parse(JSON.stringify(replayed.outputs))).to.deep.equal(outputs);
    });
  }
});
