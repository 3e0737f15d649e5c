// Resolves `bitcoin-controller/…` to the sources instead of the built package, so that examples are written as they would be in any other
// project. Imported for its side effect.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const root = new URL('../', import.meta.url);
const { name, exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  name: string;
  exports: Readonly<Record<string, { default: string }>>;
};

const sources = new Map(
  Object.entries(exports).map(([entry, { default: built }]) => {
    const source = built.replace(/^\.\/dist\//, './src/').replace(/\.js$/, '.ts');
    return [`${name}${entry.slice(1)}`, new URL(source, root).href];
  }),
);

registerHooks({ resolve: (specifier, context, next) => next(sources.get(specifier) ?? specifier, context) });
