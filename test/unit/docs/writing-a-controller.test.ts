import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

const root = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

describe('docs/writing-a-controller.md', () => {
  const [, ...lines] = read('examples/unlabelled-config-maps.ts').trimEnd().split('\n');

  it('explains the example controller, all of it and in its order', () => {
    const blocks = [...read('docs/writing-a-controller.md').matchAll(/^```typescript\n([\s\S]*?)^```$/gm)].map(
      ([, code = '']) => code,
    );
    const withoutBlankLines = (text: string): readonly string[] => text.split('\n').filter(line => line !== '');
    expect(withoutBlankLines(blocks.join('\n'))).to.deep.equal(withoutBlankLines(lines.join('\n')));
  });

  it('keeps its promise of about 60 lines', () => {
    expect(lines.length).to.be.at.most(65);
  });
});
