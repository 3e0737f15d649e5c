// `npm run example -- NAME [ARGUMENT…]`: runs examples/NAME.ts on the sources of this repository.
import { globSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import './package-sources.ts';

const folder = path.resolve(import.meta.dirname, '..', 'examples');
const names = globSync('*.ts', { cwd: folder }).map(file => path.basename(file, '.ts'));

const [name = '', ...args] = process.argv.slice(2);
if (names.includes(name)) {
  const file = path.join(folder, `${name}.ts`);
  // The example sees its arguments where any program does.
  process.argv = [process.execPath, file, ...args];
  await import(pathToFileURL(file).href);
} else {
  process.stdout.write(`npm run example -- NAME [ARGUMENT…]; NAME is one of ${names.sort().join(', ')}\n`);
  process.exitCode = name === '--help' ? 0 : 2;
}
