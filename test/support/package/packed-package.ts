// The package as others get it: built and packed by npm from a copy of this repository, installed in projects of their own, and run there
// on the versions of Node.js that it promises. Only npm's own client goes to the registry; nothing else leaves this machine.
import { createHash } from 'node:crypto';
import { cpSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
  /** What is in the tarball, unpacked. */
  readonly unpacked: string;
}

/** A new folder under the system's; the caller removes it. */
export function scratchFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'bitcoin-controller-package-'));
}

let packed: Promise<PackedPackage> | undefined;

/** The package of this tree, packed once for all tests of this process and removed when that ends. */
export function packedPackage(): Promise<PackedPackage> {
  packed ??= pack(scratchFolder());
  return packed;
}

/** `npm pack`, which builds it first, in a copy of the repository in `folder`: this tree's dist/ is left alone. */
async function pack(folder: string): Promise<PackedPackage> {
  process.once('exit', () => remove(folder));
  const copy = path.join(folder, 'repository');
  cpSync(root, copy, { recursive: true, filter: source => !left.includes(path.relative(root, source)) });
  linkPackages(copy);
  await run('git', ['init', '--quiet'], { cwd: copy });
  await run('git', ['remote', 'add', 'origin', 'https://alice:secret@git.example/alice/bitcoin-controller.git'], { cwd: copy });
  await run('npm', ['pack', '--loglevel=error', '--pack-destination', folder], { cwd: copy });
  const [tarball = ''] = globSync(path.join(folder, '*.tgz'));
  const listed = await run('tar', ['--list', '--file', tarball]);
  const files = listed
    .trimEnd()
    .split('\n')
    .map(file => file.replace(/^package\//, ''));
  await run('tar', ['--extract', '--file', tarball, '--directory', folder]);
  return { tarball, files: files.sort(), folder: copy, unpacked: path.join(folder, 'package') };
}

/** Gives the copy this tree's packages. The mark of tools/run.mjs keeps that from installing them again, through the links and over this tree's. */
function linkPackages(copy: string): void {
  const installed = path.join(root, 'node_modules');
  const links = path.join(copy, 'node_modules');
  mkdirSync(links);
  for (const name of readdirSync(installed).filter(one => one !== '.installed-lock'))
    symlinkSync(path.join(installed, name), path.join(links, name));
  const digest = createHash('sha256')
    .update(readFileSync(path.join(copy, 'package-lock.json')))
    .digest('hex');
  writeFileSync(path.join(links, '.installed-lock'), digest);
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

/** Those of the compiler. */
export type CompilerOptions = Readonly<Record<string, unknown>> & { readonly module: string };

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
    const target = path.join(this.folder, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }

  /** Takes a program of the repository over. */
  copy(file: string, name = path.basename(file)): void {
    cpSync(file, path.join(this.folder, name));
  }

  /** Compiles `file` as strictly as can be, declarations of libraries included, into `outDir`. Throws with what the compiler says. */
  async compile(file: string, outDir: string, compilerOptions: CompilerOptions, typescript = 'typescript'): Promise<void> {
    const strictest = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false };
    const config = { compilerOptions: { target: 'es2022', ...strictest, ...compilerOptions, outDir }, files: [file] };
    const configFile = path.join(this.folder, `tsconfig.${outDir}.json`);
    if (compilerOptions.module === 'commonjs') this.write(path.join(outDir, 'package.json'), '{ "type": "commonjs" }');
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
