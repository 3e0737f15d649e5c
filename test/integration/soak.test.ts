// Two minutes of the soak; `npm run soak` takes an hour.
import { expect } from 'chai';
import { sourceFile } from '../support/processes/bundled-controller.ts';
import { growthOf } from '../soak/growth.ts';
import { soak } from '../soak/soak.ts';

describe('soak', function () {
  this.timeout(0);

  it('ends with every network right, a flat heap and flat sockets, after two minutes of faults and edits', async () => {
    const seed = Date.now() % 1_000_000;
    const said: string[] = [`seed ${seed}`];
    try {
      const summary = await soak({ minutes: 2, networks: 20, seed, file: sourceFile, say: line => said.push(line) });
      expect(growthOf(summary)).to.deep.equal([]);
    } catch (error) {
      throw new Error(said.join('\n'), { cause: error });
    }
  });
});
