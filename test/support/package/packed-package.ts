// The package as others get it: built and packed by npm from a copy of this repository, installed in projects of their own, and run there
// on the versions of Node.js that it promises. Only npm's own client goes to the registry; nothing else leaves this machine.
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cached } from '../../../tools/cache.ts';
import { cacheFolder } from '../../../tools/cache-folder.ts';
import { run } from '../../../tools/command.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
/** Not copied: what is fetched, built or not of a clone. */
const left: readonly string[] = ['.git', 'build', 'coverage', 'dist', 'node_modules', 'tools/node', 'tools/programs'];
const quiet: readonly string[] = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

export interface PackedPackage {
  readonly tarball: string;
  /** The paths in it, sorted. */
  readonly files: readonly string[];
  /** All of it, built: the copy of the repository. */
  readonly folder: string;
}

/** A new folder under the system's; the caller removes it. */
export function scratchFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'bitcoin-controller-package-'));
}

/** `npm pack`, which builds it first, in a copy of the repository in `folder`: this tree's dist/ is left alone. */
export async function pack(folder: string): Promise<PackedPackage> {
  const copy = path.join(folder, 'repository');
  cpSync(root, copy, { recursive: true, filter: source => !left.includes(path.relative(root, source)) });
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  await run('npm', ['pack', '--loglevel=error', '--pack-destination', folder], { cwd: copy });
  const [tarball = ''] = globSync(path.join(folder, '*.tgz'));
  const listed = await run('tar', ['--list', '--file', tarball]);
  const files = listed
    .trimEnd()
    .split('\n')
    .map(file => file.replace(/^package\//, ''));
  return { tarball, files: files.sort(), folder: copy };
}

/** The executable of one version of Node.js, from its npm package, kept in this user's cache. */
export async function nodeExecutable(version: string): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = await cached(path.join(cacheFolder, 'node', version), `Node.js ${version}`, async unfinished => {
    mkdirSync(unfinished);
    writeFileSync(path.join(unfinished, 'package.json'), '{ "private": true }');
    await run('npm', ['install', ...quiet, '--save-exact', `${name}@${version}`], { cwd: unfinished });
  });
  return path.join(folder, 'node_modules', name, 'bin', 'node');
}

/** A consumer's project: a package.json and the packages that it installs. */
export class ConsumerProject {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(folder: string, packages: readonly string[]): Promise<ConsumerProject> {
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }');
    await run('npm', ['install', ...quiet, '--save-exact', ...packages], { cwd: folder });
    return new ConsumerProject(folder);
  }

  write(file: string, text: string): void {
    writeFileSync(path.join(this.folder, file), text);
  }

  /** Takes a program of the repository over. */
  copy(file: string): void {
    cpSync(file, path.join(this.folder, path.basename(file)));
  }

  /** Compiles `file` as strictly as can be, declarations of libraries included, into `outDir`. Throws with what the compiler says. */
  async compile(file: string, outDir: string, compilerOptions: object, typescript = 'typescript'): Promise<void> {
    const strictest = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false };
    const config = { compilerOptions: { target: 'es2022', ...strictest, ...compilerOptions, outDir }, files: [file] };
    const configFile = path.join(this.folder, `tsconfig.${outDir}.json`);
    writeFileSync(configFile, JSON.stringify(config));
    await run(process.execPath, [path.join(this.folder, 'node_modules', typescript, 'bin', 'tsc'), '-p', configFile], {
      cwd: this.folder,
    });
  }

  run(executable: string, ...args: readonly string[]): Promise<string> {
    return run(executable, args, { cwd: this.folder });
  }

  /** The names of the packages at the top of node_modules. */
  get installed(): readonly string[] {
    const lock = JSON.parse(readFileSync(path.join(this.folder, 'package-lock.json'), 'utf8')) as { packages: object };
    return Object.keys(lock.packages).flatMap(location => (location === '' ? [] : [location.replace('node_modules/', '')]));
  }
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
