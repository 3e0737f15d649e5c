import { expect } from 'chai';
import { customResourceDefinition } from '../../../../src/bitcoin/api/custom-resource-definition.ts';
import { statefulSetName } from '../../../../src/bitcoin/api/names.ts';

/** The pattern in CEL by which the API server refuses the name of a group. */
function refusedPattern(): RegExp {
  const [, pattern = 'none'] = /!self\.matches\('([^']*sts[^']*)'\)/.exec(JSON.stringify(customResourceDefinition())) ?? [];
  return new RegExp(pattern);
}

/** All names of up to four of these words. */
function namesOf(words: readonly string[]): string[] {
  let [names, longest] = [[...words], [...words]];
  for (let count = 2; count <= 4; count += 1) {
    longest = longest.flatMap(name => words.map(word => `${name}-${word}`));
    names = [...names, ...longest];
  }
  return names;
}

describe('the name of a group', () => {
  it('gives no group the StatefulSet of another network or of another group', () => {
    const pattern = refusedPattern();
    const names = namesOf(['x', 'sts', 'asts', 'stsb']);
    const groups = [undefined, ...names.filter(name => !pattern.test(name))];
    const ownerOf = new Map<string, string>();
    for (const network of names)
      for (const group of groups) {
        const set = statefulSetName({ metadata: { name: network } }, group);
        expect(ownerOf.get(set), `${set}: network ${network}, group ${group}`).to.equal(undefined);
        ownerOf.set(set, `network ${network}, group ${group}`);
      }
    expect(groups).to.include.members(['x', 'x-stsb', 'asts-x']);
  });
});
