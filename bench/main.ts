// npm run bench: runs each case here and on the Go original, one after the other, each in its own process. Prints one JSON line per case: this
// side, the original under `clientGo`, and how many times as fast this side is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { readdirSync, readFileSync } from 'node:fs';
import { cached, digestOf } from '../tools/cache.ts';
import { cacheFolder } from '../tools/cache-folder.ts';
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
  },
  compatible: { 'record-repeated-patch-compatible': 200_000, 'record-similar-aggregated-compatible': 200_000 },
  shutdown: { 'shutdown-loss': 1000 },
};
/** Cases of the controller, which have no counterpart in client-go, by the file that runs them. They run only if they are named. */
const controllerGroups: Readonly<Record<string, readonly string[]>> = {
  queue: ['queue-failing-at-once', 'queue-failing-late'],
  start: ['start-to-ready'],
  namespaces: ['namespaces-150'],
  scale: ['scale-100x5', 'scale-400x5', 'scale-random-1x500', 'scale-random-100x5', 'blocks-100x5'],
};
const usage = `usage: npm run bench -- [${[...Object.keys(groups), ...Object.keys(controllerGroups)].join('|')}]… [--scale FRACTION] [--rounds N]

Prints one JSON line per case: of each side the round with the median speed. Default: five rounds per case, fewer if they take longer than
six seconds. Without a name: ${Object.keys(groups).join(' and ')}, each case beside client-go.`;

function goProgram(): Promise<string> {
  const folder = path.join(import.meta.dirname, 'go');
  const sources = readdirSync(folder).map(name => readFileSync(path.join(folder, name)));
  const target = path.join(cacheFolder, 'bench', digestOf(...sources), 'bench');
  return cached(target, 'building the Go side of the benchmark', async output => {
    await run('go', ['build', '-o', output, '.'], { cwd: folder });
  });
}

interface Line {
  readonly case: string;
  readonly eventsPerSecond: number;
}

/** The round with the median speed. */
function median(lines: readonly Line[]): Line {
  const middle = lines.toSorted((one, other) => one.eventsPerSecond - other.eventsPerSecond)[Math.floor(lines.length / 2)];
  if (middle === undefined) throw new Error('no rounds');
  return middle;
}

/** A case of a tenth of a second is disturbed by other processes and needs several rounds; a case of ten seconds averages by itself. */
const fewRounds = { most: 5, seconds: 6 };

async function compare(go: string, name: string, events: string, rounds: number | undefined): Promise<object> {
  const [ours, theirs]: [Line[], Line[]] = [[], []];
  const startMs = performance.now();
  const isEnough = (round: number) =>
    rounds === undefined ? round >= fewRounds.most || performance.now() - startMs > fewRounds.seconds * 1000 : round >= rounds;
  for (let round = 0; round === 0 || !isEnough(round); round += 1) {
    theirs.push(JSON.parse(await run(go, [name.replace(/-compatible$/, ''), events])) as Line);
    ours.push(JSON.parse(await run(process.execPath, [path.join(import.meta.dirname, 'case.ts'), name, events])) as Line);
  }
  const [here, there] = [median(ours), median(theirs)];
  // This case is about how many events arrive. Its speed means nothing: Go ends at once because it loses nearly all of them.
  const speed = name === 'shutdown-loss' ? {} : { timesAsFast: here.eventsPerSecond / there.eventsPerSecond };
  return { ...here, clientGo: there, ...speed };
}

/** Runs a case of the controller, with the output streams of this process. */
async function runController(group: string, name: string): Promise<void> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, `${group}.ts`), name], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${name} ended with code ${code ?? 'none'}`);
}

/** The value of `--name VALUE`, which is removed from `args`. */
function option(args: string[], name: string, byDefault: number): number {
  const at = args.indexOf(name);
  return at === -1 ? byDefault : Number(args.splice(at, 2)[1]);
}

async function main(args: readonly string[]): Promise<number> {
  const names = [...args];
  const [scale, rounds] = [option(names, '--scale', 1), names.includes('--rounds') ? option(names, '--rounds', 1) : undefined];
  const wanted = names.length === 0 ? Object.keys(groups) : names;
  if (!(scale > 0) || !((rounds ?? 1) >= 1) || wanted.some(name => (groups[name] ?? controllerGroups[name]) === undefined)) {
    console.error(usage);
    return names.includes('--help') ? 0 : 2;
  }
  for (const group of wanted) for (const name of controllerGroups[group] ?? []) await runController(group, name);
  const compared = wanted.filter(name => groups[name] !== undefined);
  if (compared.length === 0) return 0;
  const go = await goProgram();
  for (const [name, events] of compared.flatMap(group => Object.entries(groups[group] ?? {})))
    console.log(JSON.stringify(await compare(go, name, String(Math.ceil(events * scale)), rounds)));
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
