// The benchmark: each case here and on the Go original, one after the other, each in a process of its own. Before it: `npm run bench`.
//   After it: case.ts, go/main.go. One JSON line a case and side; the last field of this side's line is the ratio to Go's.
import path from 'node:path';
import { readdirSync, readFileSync } from 'node:fs';
import { cached, cacheFolder, digestOf } from '../tools/cache.ts';
import { run } from '../tools/command.ts';

const groups: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  broadcaster: Object.fromEntries(
    [1, 2, 10, 100].flatMap(watchers => [0, 100, 1000].map(queue => [`watch-${watchers}w-q${queue}`, 1_000_000])),
  ),
  record: {
    'record-distinct-create': 200_000,
    'record-repeated-patch': 200_000,
    'record-64-objects-repeated-patch': 200_000,
    'record-repeated-default-spam-skipped': 200_000,
    'record-similar-aggregated': 200_000,
    'correlator-distinct': 200_000,
    'correlator-repeated': 200_000,
    'shutdown-loss': 1000,
  },
};
const usage = `usage: npm run bench -- [${Object.keys(groups).join('|')}]… [--scale FRACTION]`;

function goProgram(): Promise<string> {
  const folder = path.join(import.meta.dirname, 'go');
  const sources = readdirSync(folder).map(name => readFileSync(path.join(folder, name)));
  const target = path.join(cacheFolder, 'bench', digestOf(...sources), 'bench');
  return cached(target, 'building the Go side of the benchmark', async output => {
    await run('go', ['build', '-o', output, '.'], { cwd: folder });
  });
}

interface Line {
  readonly deliveriesPerSecond: number;
  readonly eventsPerSecond: number;
}

async function main(args: readonly string[]): Promise<number> {
  const scaleAt = args.indexOf('--scale');
  const scale = scaleAt === -1 ? 1 : Number(args[scaleAt + 1]);
  const named = scaleAt === -1 ? args : args.toSpliced(scaleAt, 2);
  const wanted = named.length === 0 ? Object.keys(groups) : named;
  if (!(scale > 0) || wanted.some(name => groups[name] === undefined)) {
    console.error(usage);
    return named.includes('--help') ? 0 : 2;
  }
  const go = await goProgram();
  for (const [name, events] of wanted.flatMap(group => Object.entries(groups[group] ?? {}))) {
    const size = String(Math.ceil(events * scale));
    const theirs = JSON.parse(await run(go, [name, size])) as Line;
    const ours = JSON.parse(await run(process.execPath, [path.join(import.meta.dirname, 'case.ts'), name, size])) as Line;
    console.log(JSON.stringify({ side: 'go', ...theirs }));
    console.log(JSON.stringify({ side: 'typescript', ...ours, ratio: ours.eventsPerSecond / theirs.eventsPerSecond }));
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
