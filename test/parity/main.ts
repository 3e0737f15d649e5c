// npm run -s parity -- FILE…: replays scenarios and prints one JSON line a file.
import { readFile } from 'node:fs/promises';
import { replay } from './replay/core.ts';
import { hasTag, type Scenario } from './scenarios/scenario.ts';

const usage = `npm run -s parity -- [--default-mode] FILE…

Replays scenario files and prints what the sink saw, one JSON line a file: {"scenario": NAME, "outputs": {MODE: {"calls": […]}}}.
Everything runs with clientGoCompatible, as the outcome to compare with is client-go's. With --default-mode only scenarios tagged
upstream-bug do: the others then show what this project changes on purpose (docs/porting.md).
`;

async function main(args: readonly string[]): Promise<number> {
  const files = args.filter(arg => !arg.startsWith('--'));
  const isDefaultMode = args.includes('--default-mode');
  if (files.length === 0) {
    process.stderr.write(usage);
    return 2;
  }
  let exitCode = 0;
  for (const file of files) {
    try {
      const scenario = JSON.parse(await readFile(file, 'utf8')) as Scenario;
      const output = await replay(scenario, { clientGoCompatible: !isDefaultMode || hasTag(scenario, 'upstream-bug') });
      process.stdout.write(`${JSON.stringify(output)}\n`);
    } catch (error) {
      process.stderr.write(`${file}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      exitCode = 1;
    }
  }
  return exitCode;
}

process.exitCode = await main(process.argv.slice(2));
