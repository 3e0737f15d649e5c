// The image of the container that holds a pod's namespaces: a docker-archive with one static program.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../command.ts';

export const pauseImage = 'localhost/bitcoin-controller/pause:1';
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Writes the archive, of the program `pause`, to `file`. */
export async function writePauseImage(pause: string, file: string): Promise<void> {
  const folder = await mkdtemp(`${file}-`);
  try {
    await mkdir(path.join(folder, 'root'));
    await copyFile(pause, path.join(folder, 'root', 'pause'));
    await run('tar', ['-C', path.join(folder, 'root'), '-cf', path.join(folder, 'layer.tar'), 'pause']);
    const layer = createHash('sha256')
      .update(await readFile(path.join(folder, 'layer.tar')))
      .digest('hex');
    const configuration = JSON.stringify({
      architecture: architectures[process.arch] ?? process.arch,
      os: 'linux',
      config: { Entrypoint: ['/pause'], User: '65535:65535' },
      rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
    });
    const name = `${createHash('sha256').update(configuration).digest('hex')}.json`;
    await writeFile(path.join(folder, name), configuration);
    await writeFile(
      path.join(folder, 'manifest.json'),
      JSON.stringify([{ Config: name, RepoTags: [pauseImage], Layers: ['layer.tar'] }]),
    );
    await run('tar', ['-C', folder, '-cf', file, 'manifest.json', name, 'layer.tar']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
