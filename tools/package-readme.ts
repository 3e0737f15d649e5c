// The README of the npm package. npm always packs the README.md at the root, which is for those who run the controller. So `npm pack` and
// `npm publish` swap it for docs/package.md before they pack (prepack) and restore it afterwards (postpack).
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const readme = path.join(root, 'README.md');
const kept = path.join(root, 'build', 'README.md');

const [action] = process.argv.slice(2);
if (action === 'swap') {
  mkdirSync(path.dirname(kept), { recursive: true });
  // A pack that was interrupted has left the package's README in place: the kept one is the right one then.
  if (!existsSync(kept)) renameSync(readme, kept);
  copyFileSync(path.join(root, 'docs', 'package.md'), readme);
} else if (action === 'restore') {
  if (existsSync(kept)) renameSync(kept, readme);
} else {
  process.stderr.write('package-readme.ts swap|restore\n');
  process.exitCode = 2;
}
