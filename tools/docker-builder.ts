// Builds and pushes images with a Docker engine, by BuildKit or by the classic builder.
import { run } from './command.ts';
import type { ImageBuilder } from './image-builder.ts';
import { buildArguments, defaultBaseImage, type ImageSources, withBaseArchive } from './image-sources.ts';
import type { Progress } from './progress.ts';
import { providePrograms } from './programs.ts';
import { findOnPath } from './system-packages.ts';

/** How long an engine may take to answer that a registry has the base image, and to pull it. */
const pullTimeoutMs = 300_000;

/** The builder of the Docker engine of this environment; undefined if there is no client or no engine answers. */
export async function dockerBuilder(progress: Progress): Promise<ImageBuilder | undefined> {
  const docker = await findOnPath('docker');
  if (docker === undefined || !(await succeeds(docker, ['version', '--format', '{{.Server.Version}}']))) return undefined;
  const build = await buildCommand(docker, progress);
  return {
    description: `Docker (${build.description})`,
    provideBase: sources => provideBase(docker, sources, progress),
    build: async ({ name, context, version, archive, sources }) => {
      const buildArgs = (await buildArguments(sources, version)).flatMap(argument => ['--build-arg', argument]);
      // The build fetches packages. The host's network works on every engine, also without a bridge or with a resolver on loopback.
      await run(build.program, [...build.args, '--network', 'host', '--tag', name, ...buildArgs, context], {
        // Readers of the archive take an attestation for an image.
        environment: { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' },
      });
      await run(docker, ['save', '--output', archive, name]);
    },
    push: async (archive, name, target) => {
      await run(docker, ['load', '--input', archive]);
      await run(docker, ['tag', name, target]);
      try {
        await run(docker, ['push', target]);
        return await digestIn(docker, target);
      } finally {
        await succeeds(docker, ['rmi', target]);
      }
    },
  };
}

interface BuildCommand {
  readonly description: string;
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * BuildKit through buildx where the client has buildx, unless DOCKER_BUILDKIT is 0. Without buildx it is the classic builder, unless
 * DOCKER_BUILDKIT is 1: a client before version 23 has BuildKit built in, and for a later one buildx is fetched.
 */
async function buildCommand(docker: string, progress: Progress): Promise<BuildCommand> {
  const wanted = process.env.DOCKER_BUILDKIT;
  if (wanted !== '0' && (await succeeds(docker, ['buildx', 'version']))) return await buildxCommand(docker, docker, ['buildx']);
  if (wanted !== '1') return { description: 'the classic builder', program: docker, args: ['build'] };
  const version = await run(docker, ['version', '--format', '{{.Client.Version}}']);
  if (Number.parseInt(version, 10) < 23 || (await findOnPath('apt-get')) === undefined)
    return { description: 'BuildKit', program: docker, args: ['build'] };
  const { 'docker-buildx': buildx } = await providePrograms(['docker-buildx'], progress);
  return await buildxCommand(docker, buildx, []);
}

/** With the engine's own builder: a builder in a container would not see a base image that only the engine has. */
async function buildxCommand(docker: string, program: string, prefix: readonly string[]): Promise<BuildCommand> {
  const context = (await run(docker, ['context', 'inspect', '--format', '{{.Name}}'])).trim();
  return { description: 'BuildKit through buildx', program, args: [...prefix, 'build', '--builder', context, '--load'] };
}

async function provideBase(docker: string, sources: ImageSources, progress: Progress): Promise<void> {
  const { baseImage } = sources;
  if (await succeeds(docker, ['image', 'inspect', baseImage])) return;
  const isPulled = await progress.step(`Pulling ${baseImage}`, async detail => {
    try {
      await run(docker, ['pull', '--quiet', baseImage], { signal: AbortSignal.timeout(pullTimeoutMs) });
      return true;
    } catch (error) {
      if (baseImage !== defaultBaseImage) throw error;
      detail('no registry provides it');
      return false;
    }
  });
  if (isPulled) return;
  await withBaseArchive(sources, progress, async archive => {
    await run(docker, ['import', '--change', 'CMD ["bash"]', archive, baseImage]);
  });
}

/** The digest that a registry gave to an image that was pushed as `target`. */
async function digestIn(docker: string, target: string): Promise<string> {
  const repository = target.replace(/:[^:/]*$/, '');
  const digests = JSON.parse(await run(docker, ['image', 'inspect', '--format', '{{json .RepoDigests}}', target])) as string[];
  const digest = digests.find(name => name.startsWith(`${repository}@`))?.split('@')[1];
  if (digest === undefined) throw new Error(`Docker reports no digest for ${target}, which it has just pushed`);
  return digest;
}

async function succeeds(docker: string, args: readonly string[]): Promise<boolean> {
  return await run(docker, args).then(
    () => true,
    () => false,
  );
}
