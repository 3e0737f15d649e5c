// Runs one of the programs in tools/ as npm does, and returns both of its outputs.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { CommandFailedError } from '../../../tools/command.ts';

const folder = path.resolve(import.meta.dirname, '../../../tools');

/** @throws CommandFailedError with what it printed if it does not exit with 0 */
export function runTool(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...environment };
    execFile(process.execPath, [path.join(folder, file), ...args], { env }, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else reject(new CommandFailedError(file, String(error.code ?? error.signal), `${stdout}${stderr}`, { cause: error }));
    });
  });
}
