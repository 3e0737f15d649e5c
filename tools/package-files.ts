// The files at the root that differ in the npm package: `npm pack` swaps them before it packs (prepack) and restores them afterwards (postpack).
// `npm publish` is given the packed file: from the folder it would send the restored package.json to the registry.
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

function packedText(file: string, text: string): string {
  if (file !== 'package.json') return readFileSync(path.join(root, 'docs', 'package.md'), 'utf8');
  return `${JSON.stringify({ ...(JSON.parse(text) as object), ...repositoryFields(origin()) }, undefined, 2)}\n`;
}

function swap(): void {
  mkdirSync(kept, { recursive: true });
  for (const file of files) {
    const [source, copy, packed] = [path.join(root, file), path.join(kept, file), path.join(kept, `${file}.packed`)];
    // A pack that was interrupted has left the package's file in place. Unless it was changed since, the kept one is the right one.
    const isLeft = existsSync(copy) && existsSync(packed) && readFileSync(source, 'utf8') === readFileSync(packed, 'utf8');
    if (!isLeft) copyFileSync(source, copy);
    const text = packedText(file, readFileSync(copy, 'utf8'));
    writeFileSync(packed, text);
    writeFileSync(source, text);
  }
}

function restore(): void {
  for (const file of files) if (existsSync(path.join(kept, file))) renameSync(path.join(kept, file), path.join(root, file));
}

const [action] = process.argv.slice(2);
if (action === 'swap') swap();
else if (action === 'restore') restore();
else {
  process.stderr.write('usage: package-files.ts swap|restore\n');
  process.exitCode = 2;
}
