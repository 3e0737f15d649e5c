// The files at the root that differ in the npm package: `npm pack` and `npm publish` swap them before they pack (prepack) and restore them
// afterwards (postpack).
// - README.md: npm always packs the one at the root, which is for those who run the controller. The package has docs/package.md instead.
// - package.json: gets the address of the repository from the remote `origin` of the clone, if others can reach that.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryFields } from './repository-fields.ts';

const root = path.resolve(import.meta.dirname, '..');
const kept = path.join(root, 'build', 'package-files');
const files = ['README.md', 'package.json'];

/** The address of the remote `origin`; empty if there is none. */
function origin(): string {
  try {
    return execFileSync('git', ['config', '--get', 'remote.origin.url'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

function swap(): void {
  mkdirSync(kept, { recursive: true });
  for (const file of files) {
    // A pack that was interrupted has left the package's file in place: the kept one is the right one then.
    if (!existsSync(path.join(kept, file))) copyFileSync(path.join(root, file), path.join(kept, file));
  }
  copyFileSync(path.join(root, 'docs', 'package.md'), path.join(root, 'README.md'));
  const manifest = JSON.parse(readFileSync(path.join(kept, 'package.json'), 'utf8')) as object;
  const packed = { ...manifest, ...repositoryFields(origin()) };
  writeFileSync(path.join(root, 'package.json'), `${JSON.stringify(packed, undefined, 2)}\n`);
}

function restore(): void {
  for (const file of files) if (existsSync(path.join(kept, file))) renameSync(path.join(kept, file), path.join(root, file));
}

const [action] = process.argv.slice(2);
if (action === 'swap') swap();
else if (action === 'restore') restore();
else {
  process.stderr.write('package-files.ts swap|restore\n');
  process.exitCode = 2;
}
