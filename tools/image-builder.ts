// Builds an image from a Dockerfile and writes it to an archive: with Docker where an engine answers, else with buildah. Where
// there is no registry to have the Debian base from, mmdebstrap makes one. Before it: images.ts.
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder } from './cache.ts';
import { run } from './command.ts';
import { debianMirror, debianSuite } from './debian-programs.ts';
import type { Progress } from './progress.ts';
import { providePrograms } from './programs.ts';
import { findOnPath } from './system-packages.ts';

/** What the Dockerfiles are FROM. */
const baseImage = `docker.io/library/debian:${debianSuite}-slim`;

export interface ImageBuild {
  /** Full name with registry and tag. */
  name: string;
  context: string;
  version: string;
  /** The docker-archive to write. */
  archive: string;
}

export interface ImageBuilder {
  readonly engine: 'docker' | 'buildah';
  build(image: ImageBuild): Promise<void>;
  /** Pushes the image of an archive under another name, with the credentials that the engine has for that registry. */
  push(archive: string, name: string, target: string): Promise<void>;
}

/** Docker if it answers, else buildah, which is installed if need be. */
export async function imageBuilder(progress: Progress): Promise<ImageBuilder> {
  const docker = await findOnPath('docker');
  if (docker !== undefined && (await answers(docker))) return dockerBuilder(docker);
  return await buildahBuilder(progress);
}

async function answers(docker: string): Promise<boolean> {
  try {
    await run(docker, ['version', '--format', '{{.Server.Version}}']);
    return true;
  } catch {
    return false;
  }
}

const dockerBuilder = (docker: string): ImageBuilder => ({
  engine: 'docker',
  build: async ({ name, context, version, archive }) => {
    // With a builder in a container the image would else stay there; and attestations are no images to what reads the archive.
    await run(docker, ['build', '--load', '--tag', name, '--build-arg', `VERSION=${version}`, context], {
      environment: { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' },
    });
    await run(docker, ['save', '--output', archive, name]);
  },
  push: async (archive, name, target) => {
    await run(docker, ['load', '--input', archive]);
    await run(docker, ['tag', name, target]);
    await run(docker, ['push', target]);
  },
});

async function buildahBuilder(progress: Progress): Promise<ImageBuilder> {
  const { buildah } = await providePrograms(['buildah'], progress);
  return {
    engine: 'buildah',
    build: async ({ name, context, version, archive }) => {
      await ensureBase(buildah, progress);
      // Without a namespace of its own a build step needs no rights that a container or a virtual machine may lack.
      await run(buildah, [
        'bud',
        '--isolation',
        'chroot',
        '--pull=never',
        // The layer with Debian's packages is kept for the next build.
        '--layers',
        '--format',
        'docker',
        '--tag',
        name,
        '--build-arg',
        `VERSION=${version}`,
        context,
      ]);
      await rm(archive, { force: true });
      await run(buildah, ['push', name, `docker-archive:${archive}:${name}`]);
    },
    push: async (archive, _name, target) => {
      await run(buildah, ['push', await importedId(buildah, archive), `docker://${target}`]);
    },
  };
}

async function importedId(buildah: string, archive: string): Promise<string> {
  return (await run(buildah, ['pull', '--quiet', `docker-archive:${archive}`])).trim();
}

/** Makes the base image of Debian's own packages, unless there is one of that name. */
async function ensureBase(buildah: string, progress: Progress): Promise<void> {
  const exists = await run(buildah, ['images', '--quiet', baseImage]).catch(() => '');
  if (exists.trim() !== '') return;
  const { mmdebstrap } = await providePrograms(['mmdebstrap'], progress);
  const mirror = await debianMirror();
  const root = path.join(cacheFolder, `${debianSuite}-${process.pid}.tar`);
  try {
    await run(mmdebstrap, ['--variant=minbase', '--aptopt=Acquire::Check-Valid-Until "false"', debianSuite, root, mirror]);
    const container = (await run(buildah, ['from', 'scratch'])).trim();
    try {
      await run(buildah, ['add', container, root, '/']);
      await run(buildah, ['config', '--cmd', 'bash', container]);
      await run(buildah, ['commit', '--quiet', container, baseImage]);
    } finally {
      await run(buildah, ['rm', container]);
    }
  } finally {
    await rm(root, { force: true });
  }
}
