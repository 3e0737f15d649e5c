// npm run images: the two container images as archives in build/images/. Unchanged ones are not built again.
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { digestOf } from './cache.ts';
import { run } from './command.ts';
import { type ImageBuilder, imageBuilder } from './image-builder.ts';
import { MachineLock } from './machine-lock.ts';
import { Progress, say } from './progress.ts';

const root = path.resolve(import.meta.dirname, '..');
const outputFolder = path.join(root, 'build', 'images');
const usage = `npm run images [-- OPTIONS]

Builds build/images/controller.tar and build/images/bitcoind.tar, which \`docker load\` and containerd's \`ctr images import\` read:
with Docker where an engine answers, else with buildah. What has not changed is not built again.

  --push REGISTRY/PATH   push both images there too, as REGISTRY/PATH/bitcoin-controller:VERSION and …/bitcoin-controller-bitcoind:VERSION
  --force                build them even if nothing has changed
  --help                 show this
`;

/** File name of the archive → name of the image, as in the chart's values. */
const repositories = { controller: 'bitcoin-controller', bitcoind: 'bitcoin-controller-bitcoind' } as const;
export type ImageKind = keyof typeof repositories;

export interface BuiltImage {
  kind: ImageKind;
  /** As in docker.io/library/bitcoin-controller:0.1.0 */
  name: string;
  archive: string;
}

/** Builds both images unless they are there already, made of the same files. */
export async function buildImages(progress = new Progress(), options: { force?: boolean } = {}): Promise<readonly BuiltImage[]> {
  const lock = await MachineLock.acquire(`images of ${root}`, 'building the images', holder => say(`Waiting for ${holder}`));
  try {
    const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
    await progress.step('Bundling the controller', () =>
      run(process.execPath, [path.join(root, 'tools', 'build.ts')], { cwd: root }),
    );
    const images: BuiltImage[] = [];
    let builder: ImageBuilder | undefined;
    for (const kind of Object.keys(repositories) as ImageKind[]) {
      const image = {
        kind,
        name: `docker.io/library/${repositories[kind]}:${version}`,
        archive: path.join(outputFolder, `${kind}.tar`),
      };
      images.push(image);
      const digest = digestOf(version, ...(await inputsOf(kind)));
      if (options.force !== true && (await isCurrent(image.archive, digest))) continue;
      builder ??= await imageBuilder(progress);
      await progress.step(`Building the image ${image.name} with ${builder.engine}`, () =>
        buildOne(builder as ImageBuilder, image, version),
      );
      await writeFile(digestFile(image.archive), digest);
    }
    return images;
  } finally {
    await lock.release();
  }
}

/** Pushes both images under `target` (REGISTRY/PATH) and returns their names there. */
export async function pushImages(
  target: string,
  images: readonly BuiltImage[],
  progress = new Progress(),
): Promise<Record<ImageKind, string>> {
  const builder = await imageBuilder(progress);
  const names: Partial<Record<ImageKind, string>> = {};
  for (const { kind, name, archive } of images) {
    const pushed = `${target.replace(/\/+$/, '')}/${path.posix.basename(name)}`;
    await progress.step(`Pushing ${pushed}`, () => builder.push(archive, name, pushed));
    names[kind] = pushed;
  }
  return names as Record<ImageKind, string>;
}

/** Assembles the build context and builds; the archive appears only when it is complete. */
async function buildOne(builder: ImageBuilder, image: BuiltImage, version: string): Promise<void> {
  const context = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-image-'));
  try {
    await cp(path.join(root, 'images', image.kind), context, { recursive: true });
    if (image.kind === 'controller') await copyFile(path.join(root, 'dist', 'main.js'), path.join(context, 'main.js'));
    await mkdir(outputFolder, { recursive: true });
    await rm(digestFile(image.archive), { force: true });
    await builder.build({ name: image.name, context, version, archive: image.archive });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** The contents of everything that decides what an image is made of. */
async function inputsOf(kind: ImageKind): Promise<(string | Buffer)[]> {
  const folder = path.join(root, 'images', kind);
  const inputs: (string | Buffer)[] = [];
  for (const name of (await readdir(folder)).sort()) inputs.push(name, await readFile(path.join(folder, name)));
  if (kind === 'controller') inputs.push(await readFile(path.join(root, 'dist', 'main.js')));
  return inputs;
}

const digestFile = (archive: string): string => `${archive}.digest`;

async function isCurrent(archive: string, digest: string): Promise<boolean> {
  return existsSync(archive) && (await readFile(digestFile(archive), 'utf8').catch(() => '')) === digest;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { push: { type: 'string' }, force: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const progress = new Progress();
  const images = await buildImages(progress, { force: values.force });
  if (values.push !== undefined) {
    for (const name of Object.values(await pushImages(values.push, images, progress))) process.stdout.write(`${name}\n`);
    return;
  }
  for (const { archive, name } of images) process.stdout.write(`${path.relative(process.cwd(), archive)}\t${name}\n`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
