// The benchmark of scale: `node bench/scale.ts CASE` prints one JSON line. It uses a real control plane, simulated Kubernetes nodes, a simulated
// bitcoind behind every pod, and the bundled controller in its own process. First Kubernetes alone creates what the controller would create; then
// the controller does, and then Kubernetes alone once more, each on another empty control plane.
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeClient } from '../src/kube/client.ts';
import { defaultCredentials } from '../src/controller/steps/credentials.ts';
import { run } from '../tools/command.ts';
import { Progress, say } from '../tools/progress.ts';
import type { TestControlPlane } from '../test/support/cluster/api-server.ts';
import { AuditLog, type RequestCounts } from '../test/support/cluster/audit-log.ts';
import { startKwokCluster } from '../test/support/cluster/kwok.ts';
import { cpuSeconds, peakRssMiB } from '../test/support/processes/process-figures.ts';
import { SimulatedBitcoind } from '../test/support/fakes/simulated-bitcoind.ts';
import {
  adminClient,
  buildController,
  installDefinition,
  type RunningController,
  startController,
} from '../test/support/processes/bundled-controller.ts';
import { provideOldestNode } from './oldest-node.ts';
import { runBaseline, runNetworks, type SecretUse, secretUses, type Size } from './scale-runs.ts';

const random = { type: 'Random', random: { degree: 3 }, seed: 7 } as const;
const cases: Readonly<Record<string, Size>> = {
  'scale-100x5': { networks: 100, nodes: 5 },
  'scale-400x5': { networks: 400, nodes: 5 },
  'scale-random-1x500': { networks: 1, nodes: 500, topology: random },
  'scale-random-100x5': { networks: 100, nodes: 5, topology: random },
  'blocks-100x5': { networks: 100, nodes: 5, topology: random, blockProduction: { intervalSeconds: 1 } },
};
const usage = `usage: node bench/scale.ts ${Object.keys(cases).join('|')} [--secret ${secretUses.join('|')}] [--node new|old]… [--rest-seconds N]
  [--node-option OPTION]…

Prints one JSON line per Node.js: this one (new), and the oldest that the bundle supports (old). Default: both. How long Kubernetes alone needs for
the Services, StatefulSets and pods (baselineSeconds, the mean of one run before and one after), how long the controller needs for the networks
that consist of them (seconds), what it asked of the API server, and what stable networks cost. Each network names its own Secret; --secret
changes that.
`;
const simulatedKubeNodes = 20;
/** How long events may still be written after the last status. */
const settleSeconds = 5;
/**
 * The API server delays the first creates of a kind on purpose: each waits 2 s while the definition is younger than that
 * (apiextensions-apiserver, customresource_handler.go), by a clock of whole seconds.
 */
const definitionSettlesSeconds = 3;

interface Options {
  readonly restSeconds: number;
  readonly nodeOptions: readonly string[];
  readonly secret: SecretUse;
  readonly nodes: readonly ('new' | 'old')[];
}

const credentials = { user: 'alice', password: 'the-password-of-a-benchmark' };
const secretRead = 'get secrets';

/** Each batch of calls to a node asks for its peers once. */
const batches = (bitcoind: SimulatedBitcoind): number[] =>
  [...bitcoind.nodes.values()].map(({ calls }) => calls.get('getpeerinfo') ?? 0);

interface Resting {
  readonly controller: RunningController;
  readonly log: AuditLog;
  readonly bitcoind: SimulatedBitcoind;
  readonly size: Size;
}

async function rest({ controller, log, bitcoind, size }: Resting, seconds: number): Promise<object> {
  const { pid, program } = controller;
  const before = cpuSeconds(pid);
  const batchesBefore = batches(bitcoind);
  await log.read();
  const startedMs = performance.now();
  await delay(seconds * 1000);
  program.assertRuns();
  const cpuPercent = ((cpuSeconds(pid) - before) / (performance.now() - startedMs)) * 1000 * 100;
  const counts = await log.read();
  const perHundred = { cpuPercentPer100Networks: rounded((cpuPercent / size.networks) * 100) };
  const secretReads = counts.byRequest.get(secretRead) ?? 0;
  const perNode = batches(bitcoind).map((count, index) => count - (batchesBefore[index] ?? 0));
  return {
    seconds,
    apiWrites: counts.writes,
    batchesPerNode: rounded(perNode.reduce((sum, count) => sum + count, 0) / perNode.length),
    mostBatchesOfANode: perNode.reduce((most, count) => Math.max(most, count), 0),
    secretReads,
    apiRequests: counts.byVerb,
    cpuPercent: rounded(cpuPercent),
    ...perHundred,
  };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** Runs `use` on a new, empty control plane. */
async function withCluster<Result>(
  progress: Progress,
  use: (cluster: TestControlPlane, client: KubeClient) => Promise<Result>,
): Promise<Result> {
  const cluster = await progress.step('control plane', () => startKwokCluster({ nodes: simulatedKubeNodes }));
  const client = adminClient(cluster);
  try {
    return await use(cluster, client);
  } finally {
    await client.close();
    await cluster.stop();
  }
}

interface Figures {
  readonly version: string;
  readonly measured: Measured;
}

/**
 * Prints a line per Node.js. Kubernetes alone is measured before and after them: it does not depend on Node.js, and the speed of a machine that
 * others share changes within minutes.
 */
async function measure(name: string, size: Size, options: Options, progress: Progress): Promise<void> {
  await progress.step('building the controller', buildController);
  const executables = { new: process.execPath, old: options.nodes.includes('old') ? await provideOldestNode(progress) : '' };
  const baseline = (): Promise<number> =>
    withCluster(progress, (_, client) => progress.step(`${name}: Kubernetes alone`, detail => runBaseline(client, size, detail)));
  const before = await baseline();
  const figures: Figures[] = [];
  for (const one of options.nodes) {
    const node = executables[one];
    const version = (await run(node, ['--print', 'process.versions.node'])).trim();
    const measured = await withCluster(progress, (cluster, client) =>
      measureController({ name: `${name} on Node.js ${version}`, node, size, options, progress, cluster, client }),
    );
    figures.push({ version, measured });
  }
  const after = await baseline();
  const baselineSeconds = (before + after) / 2;
  for (const { version, measured } of figures) {
    const { seconds, ...others } = measured;
    const times = {
      seconds: rounded(seconds),
      baselineSeconds: rounded(baselineSeconds),
      baselineRuns: [rounded(before), rounded(after)],
      ratio: rounded(seconds / baselineSeconds),
    };
    const line = { case: name, node: version, secret: options.secret, ...size, ...times, ...others };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

interface Conditions {
  readonly name: string;
  /** The executable that runs the controller. */
  readonly node: string;
  readonly size: Size;
  readonly options: Options;
  readonly progress: Progress;
  readonly cluster: TestControlPlane;
  readonly client: KubeClient;
}

interface Measured {
  readonly seconds: number;
  readonly apiWritesPerNetwork: number;
  /** GETs of Secrets. */
  readonly secretReadsPerNetwork: number;
  readonly apiRequests: Readonly<Record<string, number>>;
  /** Of the controller's process from its start until every network was complete. */
  readonly cpuSeconds: number;
  readonly peakRssMiB: number;
  readonly atRest: object;
}

async function measureController(conditions: Conditions): Promise<Measured> {
  const { name, node, size, options, progress, cluster, client } = conditions;
  const { secret, nodeOptions, restSeconds } = options;
  const accepted = secret === 'none' ? defaultCredentials : credentials;
  const bitcoind = await SimulatedBitcoind.start(accepted);
  try {
    await installDefinition(cluster);
    await delay(definitionSettlesSeconds * 1000);
    const log = new AuditLog(cluster.auditLogPath, 'bitcoin-controller/');
    const controller = await startController(cluster, { node, nodeOptions });
    const { pid, program } = controller;
    const seconds = await progress.step(`${name}: the controller`, detail =>
      runNetworks(client, bitcoind, size, detail, { secret, credentials: accepted }),
    );
    const cpu = cpuSeconds(pid);
    await delay(settleSeconds * 1000);
    const counts = await log.read();
    sayRequests(counts);
    const atRest = await progress.step(`${name}: at rest`, () => rest({ controller, log, bitcoind, size }, restSeconds));
    const peak = rounded(peakRssMiB(pid));
    await program.stop(10_000);
    const perNetwork = (count: number): number => rounded(count / size.networks);
    const requests = {
      apiWritesPerNetwork: perNetwork(counts.writes),
      secretReadsPerNetwork: perNetwork(counts.byRequest.get(secretRead) ?? 0),
      apiRequests: counts.byVerb,
    };
    return { seconds, ...requests, cpuSeconds: cpu, peakRssMiB: peak, atRest };
  } finally {
    await bitcoind.stop();
  }
}

/** Prints the number of requests of each kind to standard error. */
function sayRequests(counts: RequestCounts): void {
  for (const [request, count] of [...counts.byRequest].sort()) say(`  ${request}: ${count}`);
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean' },
      'rest-seconds': { type: 'string', default: '120' },
      secret: { type: 'string', default: 'each' },
      node: { type: 'string', multiple: true, default: ['new', 'old'] },
      'node-option': { type: 'string', multiple: true, default: [] },
    },
    allowPositionals: true,
  });
  const [name = ''] = positionals;
  const size = cases[name];
  const restSeconds = Number(values['rest-seconds']);
  const secret = secretUses.find(use => use === values.secret);
  const nodes = (['new', 'old'] as const).filter(one => values.node.includes(one));
  const isKnown = nodes.length === new Set(values.node).size;
  if (values.help === true || size === undefined || secret === undefined || !isKnown || !(restSeconds >= 0)) {
    process.stderr.write(usage);
    return values.help === true ? 0 : 2;
  }
  await measure(name, size, { restSeconds, nodeOptions: values['node-option'], secret, nodes }, new Progress());
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
