// npm run images: builds the two container images as archives in build/images/, unless nothing they are made of has changed.
import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { digestOf } from './cache.ts';
import { run } from './command.ts';
import { type ImageBuilder, imageBuilder } from './image-builder.ts';
import { defaultBaseImage, defaultSources, type ImageSources, imageSources } from './image-sources.ts';
import { MachineLock } from './machine-lock.ts';
import { Progress, say } from './progress.ts';

const root = path.resolve(import.meta.dirname, '..');
const outputFolder = path.join(root, 'build', 'images');
const usage = `npm run images [-- OPTIONS]

Builds build/images/controller.tar and build/images/bitcoind.tar, which \`docker load\` and containerd's \`ctr images import\` read:
with Docker where an engine answers (with BuildKit through buildx where the client has it), else with buildah. An image is only built again
if something that it is made of has changed.

  --push REGISTRY/PATH      push both images as REGISTRY/PATH/bitcoin-controller:VERSION and …/bitcoin-controller-bitcoind:VERSION;
                            a registry at 127.0.0.1 or localhost may speak plain HTTP
  --base-image IMAGE        the image to build from, pinned by NAME@sha256:DIGEST
                            Default: ${defaultBaseImage}, made locally if no registry provides it
  --package-snapshot URL    install the Debian packages of this snapshot of Debian's archive, as in http://HOST/archive/debian/TIMESTAMP
                            Default: the sources that the base image names
  --force                   build even if nothing has changed
  --help                    show this
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

export interface PushedImage {
  /** As in REGISTRY/PATH/bitcoin-controller:0.1.0 */
  name: string;
  /** As in sha256:…: a cluster that has an older image of the same name still pulls this one. */
  digest: string;
}

/** Builds both images. An archive that is already there is kept if it was made of the same files and sources. */
export async function buildImages(
  progress = new Progress(),
  options: { force?: boolean; sources?: ImageSources } = {},
): Promise<readonly BuiltImage[]> {
  const sources = options.sources ?? defaultSources;
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
      const digest = digestOf(version, JSON.stringify(sources), ...(await inputsOf(kind)));
      if (options.force !== true && (await isCurrent(image.archive, digest))) continue;
      builder ??= await readyBuilder(sources, progress);
      const { description } = builder;
      await progress.step(`Building the image ${image.name} with ${description}`, () =>
        buildOne(builder as ImageBuilder, image, version, sources),
      );
      await writeFile(digestFile(image.archive), digest);
    }
    return images;
  } finally {
    await lock.release();
  }
}

async function readyBuilder(sources: ImageSources, progress: Progress): Promise<ImageBuilder> {
  const builder = await imageBuilder(progress);
  await builder.provideBase(sources);
  return builder;
}

/** Pushes both images under `target` (REGISTRY/PATH). */
export async function pushImages(
  target: string,
  images: readonly BuiltImage[],
  progress = new Progress(),
): Promise<Record<ImageKind, PushedImage>> {
  const builder = await imageBuilder(progress);
  const all: Partial<Record<ImageKind, PushedImage>> = {};
  for (const { kind, name, archive } of images) {
    const pushed = `${target.replace(/\/+$/, '')}/${path.posix.basename(name)}`;
    const digest = await progress.step(`Pushing ${pushed}`, () => builder.push(archive, name, pushed));
    all[kind] = { name: pushed, digest };
  }
  return all as Record<ImageKind, PushedImage>;
}

/** Assembles the build context and builds. The digest of an archive is written only when the archive is complete. */
async function buildOne(builder: ImageBuilder, image: BuiltImage, version: string, sources: ImageSources): Promise<void> {
  const context = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-image-'));
  try {
    await cp(path.join(root, 'images', image.kind), context, { recursive: true });
    if (image.kind === 'controller') await copyFile(path.join(root, 'dist', 'main.js'), path.join(context, 'main.js'));
    // COPY takes over the modes of the context, whatever the umask of this checkout was: the classic builder has no COPY --chmod.
    for (const name of await readdir(context)) await chmod(path.join(context, name), name.endsWith('.sh') ? 0o755 : 0o644);
    await mkdir(outputFolder, { recursive: true });
    await rm(digestFile(image.archive), { force: true });
    await builder.build({ name: image.name, context, version, archive: image.archive, sources });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** The contents of the files that an image is made of. */
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
    options: {
      push: { type: 'string' },
      'base-image': { type: 'string' },
      'package-snapshot': { type: 'string' },
      force: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const progress = new Progress();
  const sources = imageSources(values['base-image'], values['package-snapshot']);
  const images = await buildImages(progress, { force: values.force, sources });
  if (values.push !== undefined) {
    for (const { name } of Object.values(await pushImages(values.push, images, progress))) process.stdout.write(`${name}\n`);
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
