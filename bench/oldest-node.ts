// The oldest Node.js that the bundle supports, for benchmarks that compare it with this one.
import path from 'node:path';
import { cached } from '../tools/cache.ts';
import { cacheFolder } from '../tools/cache-folder.ts';
import { run } from '../tools/command.ts';
import type { Progress } from '../tools/progress.ts';

const version = '20.20.2';

/** The path of its executable, from npm's package of it; fetched once. */
export async function provideOldestNode(progress: Progress): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = await progress.step(`Node.js ${version}`, () =>
    cached(path.join(cacheFolder, 'node', `${name}-${version}`), `fetching Node.js ${version}`, async target => {
      const options = ['--prefix', target, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
      await run('npm', ['install', ...options, `${name}@${version}`]);
    }),
  );
  return path.join(folder, 'node_modules', name, 'bin', 'node');
}
