// What the images are made of: the base image and the Debian packages. Both can be pinned; the base is made here where no registry has it.
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { run } from './command.ts';
import { checksValidUntil, debianMirror, debianSuite } from './debian-programs.ts';
import type { Progress } from './progress.ts';
import { providePrograms } from './programs.ts';

/** The only base image that is made locally if it is missing. */
export const defaultBaseImage = `docker.io/library/debian:${debianSuite}-slim`;

export interface ImageSources {
  /** What the Dockerfiles are FROM; with a digest it is pinned. */
  readonly baseImage: string;
  /** URL of a snapshot of Debian's archive, which pins the packages. Undefined: the sources that the base image names. */
  readonly packageSnapshot: string | undefined;
}

export const defaultSources: ImageSources = { baseImage: defaultBaseImage, packageSnapshot: undefined };

/**
 * The sources for a base image and a snapshot as a user gives them.
 * @throws Error that names the option and what would be right.
 */
export function imageSources(baseImage = defaultBaseImage, packageSnapshot?: string): ImageSources {
  if (!/^\w[\w.:/-]*(@sha256:[0-9a-f]{64})?$/.test(baseImage))
    throw new Error(`--base-image ${baseImage}: expected NAME:TAG or NAME@sha256:DIGEST`);
  if (packageSnapshot !== undefined && !/^https?:\/\/[\w.:/~%-]+$/.test(packageSnapshot))
    throw new Error(
      `--package-snapshot ${packageSnapshot}: expected the URL of a snapshot, as in http://HOST/archive/debian/20261101T000000Z`,
    );
  return { baseImage, packageSnapshot };
}

/** The build arguments that the Dockerfiles declare, as NAME=VALUE. */
export async function buildArguments(sources: ImageSources, version: string): Promise<readonly string[]> {
  const named = {
    BASE_IMAGE: sources.baseImage,
    PACKAGE_SNAPSHOT: sources.packageSnapshot ?? '',
    CHECK_VALID_UNTIL: String(await checksValidUntil()),
    VERSION: version,
  };
  return Object.entries(named).map(([name, value]) => `${name}=${value}`);
}

/** Makes the root file system of the default base image of Debian's own packages and passes its archive to `use`. */
export async function withBaseArchive(
  { packageSnapshot }: ImageSources,
  progress: Progress,
  use: (archive: string) => Promise<void>,
): Promise<void> {
  const { mmdebstrap } = await providePrograms(['mmdebstrap'], progress);
  const archive = path.join(cacheFolder, `${debianSuite}-${process.pid}.tar`);
  const mirror = packageSnapshot ?? (await debianMirror());
  const validity =
    packageSnapshot === undefined && (await checksValidUntil()) ? [] : ['--aptopt=Acquire::Check-Valid-Until "false"'];
  try {
    await progress.step(`Making the base image ${defaultBaseImage}, which no registry provided`, async () => {
      await run(mmdebstrap, ['--variant=minbase', ...validity, debianSuite, archive, mirror]);
      await use(archive);
    });
  } finally {
    await rm(archive, { force: true });
  }
}
