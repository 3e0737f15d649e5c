// What the tools build or fetch is kept in a cache: complete or not at all, and written by one process at a time.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { assertOwnFolder, cacheFolder } from './cache-folder.ts';
import { MachineLock } from './machine-lock.ts';
import { say } from './progress.ts';

/** The first 16 hexadecimal digits of the SHA-256 of the given parts. */
export function digestOf(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, 16);
}

/**
 * Makes sure that `target` (a file or a folder in the cache) exists. If it does not, `build` creates it at a path beside it, which
 * is renamed when it is complete: an interrupted build leaves nothing that looks finished.
 * @returns target
 * @throws Error if this process is root and another user could change the cache
 */
export async function cached(target: string, purpose: string, build: (path: string) => Promise<void>): Promise<string> {
  assertOwnFolder(cacheFolder);
  if (existsSync(target)) return target;
  await mkdir(path.dirname(target), { recursive: true });
  const lock = await MachineLock.acquire(target, purpose, holder => {
    say(`Waiting for ${holder}`);
  });
  try {
    if (!existsSync(target)) await buildBeside(target, build);
  } finally {
    await lock.release();
  }
  return target;
}

async function buildBeside(target: string, build: (path: string) => Promise<void>): Promise<void> {
  const scratch = await mkdtemp(`${target}.unfinished-`);
  try {
    const result = path.join(scratch, path.basename(target));
    await build(result);
    await rename(result, target);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
