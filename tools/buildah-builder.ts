// Builds and pushes images with buildah, which needs no daemon.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from './command.ts';
import type { ImageBuilder } from './image-builder.ts';
import { buildArguments, defaultBaseImage, type ImageSources, withBaseArchive } from './image-sources.ts';
import type { Progress } from './progress.ts';
import { providePrograms } from './programs.ts';

export async function buildahBuilder(progress: Progress): Promise<ImageBuilder> {
  const { buildah } = await providePrograms(['buildah'], progress);
  return {
    description: 'buildah',
    provideBase: sources => provideBase(buildah, sources, progress),
    build: async ({ name, context, version, archive, sources }) => {
      const buildArgs = (await buildArguments(sources, version)).flatMap(argument => ['--build-arg', argument]);
      // With chroot isolation a build step needs no rights that a container or a virtual machine may lack; with --layers the layer
      // of Debian packages is reused by the next build.
      const settings = ['--isolation', 'chroot', '--pull=never', '--layers', '--format', 'docker'];
      await run(buildah, ['bud', ...settings, '--tag', name, ...buildArgs, context]);
      await rm(archive, { force: true });
      await run(buildah, ['push', name, `docker-archive:${archive}:${name}`]);
    },
    push: async (archive, _name, target) => {
      const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-push-'));
      try {
        const image = (await run(buildah, ['pull', '--quiet', `docker-archive:${archive}`])).trim();
        const digestFile = path.join(folder, 'digest');
        const plainHttp = isLoopback(target) ? ['--tls-verify=false'] : [];
        await run(buildah, ['push', ...plainHttp, '--digestfile', digestFile, image, `docker://${target}`]);
        return (await readFile(digestFile, 'utf8')).trim();
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Whether a registry is on this machine: like Docker, buildah then accepts plain HTTP. */
export const isLoopback = (target: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?\//.test(target);

async function provideBase(buildah: string, sources: ImageSources, progress: Progress): Promise<void> {
  const { baseImage } = sources;
  const found = await run(buildah, ['images', '--quiet', baseImage]).catch(() => '');
  if (found.trim() !== '') return;
  if (baseImage !== defaultBaseImage) {
    await progress.step(`Pulling ${baseImage}`, () => run(buildah, ['pull', '--quiet', baseImage]));
    return;
  }
  await withBaseArchive(sources, progress, async archive => {
    const container = (await run(buildah, ['from', 'scratch'])).trim();
    try {
      await run(buildah, ['add', container, archive, '/']);
      await run(buildah, ['config', '--cmd', 'bash', container]);
      await run(buildah, ['commit', '--quiet', container, baseImage]);
    } finally {
      await run(buildah, ['rm', container]);
    }
  });
}
