// The builder of the container images: Docker where an engine answers, else buildah.
import { buildahBuilder } from './buildah-builder.ts';
import { dockerBuilder } from './docker-builder.ts';
import type { ImageSources } from './image-sources.ts';
import type { Progress } from './progress.ts';

export interface ImageBuild {
  /** Full name with registry and tag. */
  readonly name: string;
  readonly context: string;
  readonly version: string;
  /** The docker-archive to write. */
  readonly archive: string;
  readonly sources: ImageSources;
}

export interface ImageBuilder {
  /** As it is shown to the user. */
  readonly description: string;
  /** Makes the base image available to build(). Runs its own progress steps. */
  provideBase(sources: ImageSources): Promise<void>;
  build(image: ImageBuild): Promise<void>;
  /**
   * Pushes the image of an archive under another name, with the credentials that the engine has for that registry.
   * @returns the digest under which the registry has it
   */
  push(archive: string, name: string, target: string): Promise<string>;
}

/** Docker if it answers, else buildah, which is installed if it is missing. */
export async function imageBuilder(progress: Progress): Promise<ImageBuilder> {
  return (await dockerBuilder(progress)) ?? (await buildahBuilder(progress));
}
