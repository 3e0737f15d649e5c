// Every program that the tools and tests start, by name. It is built, fetched from Debian packages, or the machine's own.
import { assertOwnFolder, cacheFolder } from './cache-folder.ts';
import { type DebianProgramName, debianProgramNames, provideDebianPrograms } from './debian-programs.ts';
import { type GoProgramName, goProgramNames, provideGoPrograms } from './go-programs.ts';
import { Progress, say } from './progress.ts';
import { provideSystemPrograms, type SystemProgram, systemPrograms } from './system-packages.ts';

export type ProgramName = GoProgramName | DebianProgramName | SystemProgram;
export const allPrograms: readonly ProgramName[] = [...systemPrograms, ...debianProgramNames, ...goProgramNames];

/**
 * The paths of the given programs, after building, fetching or installing those that are missing: each once, with progress on
 * standard error.
 * @throws Error that names what this machine lacks (Go, root, Debian) and what would be right; and if this process is root and another
 * user could change the cached programs.
 */
export async function providePrograms<Name extends ProgramName>(
  names: readonly Name[],
  progress = new Progress(),
): Promise<Record<Name, string>> {
  assertOwnFolder(cacheFolder);
  const wanted = new Set<ProgramName>(names);
  const found = new Map<ProgramName, string>([
    ...(await provideSystemPrograms(
      systemPrograms.filter(name => wanted.has(name)),
      progress,
    )),
    ...(await provideDebianPrograms(
      debianProgramNames.filter(name => wanted.has(name)),
      progress,
    )),
    ...(await provideGoPrograms(
      goProgramNames.filter(name => wanted.has(name)),
      progress,
    )),
  ]);
  return Object.fromEntries(found) as Record<Name, string>;
}

if (import.meta.main) {
  const unknown = process.argv.slice(2).filter(name => !allPrograms.some(known => known === name));
  if (unknown.length > 0) {
    say(`Unknown program: ${unknown.join(' ')}. Known are: ${allPrograms.join(' ')}`);
    process.exit(2);
  }
  const names = process.argv.length > 2 ? allPrograms.filter(name => process.argv.includes(name)) : allPrograms;
  for (const [name, file] of Object.entries(await providePrograms(names))) process.stdout.write(`${name}\t${file}\n`);
}
