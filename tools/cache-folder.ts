// The folder for what the tools build and fetch. Root runs programs of it, so no other user may be able to change them.
import { statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';

/** This user's cache folder for this project. All of it may be deleted at any time. */
export const cacheFolder = path.join(cacheHome(), 'bitcoin-controller');

function cacheHome(): string {
  const chosen = process.env.XDG_CACHE_HOME;
  if (chosen !== undefined && chosen !== '') return chosen;
  // sudo may keep the HOME of the user who calls it: root then uses its own.
  const home = process.getuid?.() === 0 && ownerOf(homedir()) !== 0 ? userInfo().homedir : homedir();
  return path.join(home, '.cache');
}

/** @throws Error if this process is root and another user can change what is in the folder. */
export function assertOwnFolder(folder: string, isRoot = process.getuid?.() === 0): void {
  const status = statSync(folder, { throwIfNoEntry: false });
  if (!isRoot || status === undefined || (status.uid === 0 && (status.mode & 0o022) === 0)) return;
  throw new Error(
    `Root would run programs from ${folder}, which other users can change. Please set XDG_CACHE_HOME to a folder that only root can write to`,
  );
}

function ownerOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.uid;
}
