// The benchmark of scale: `node bench/scale.ts CASE`. Before it: main.ts. After it: one JSON line on standard output.
//   A real control plane, simulated Kubernetes nodes and a simulated bitcoind behind every pod; the controller is the bundled file, in
//   a process of its own. First Kubernetes alone makes what the controller would make; then the controller does.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { customResourceDefinition } from '../src/bitcoin/custom-resource-definition.ts';
import { KubeClient } from '../src/kube-client.ts';
import { freePort } from '../tools/kubernetes/free-port.ts';
import { RunningProgram } from '../tools/kubernetes/process.ts';
import { waitUntil } from '../tools/kubernetes/wait-until.ts';
import { Progress } from '../tools/progress.ts';
import { providePrograms } from '../tools/programs.ts';
import type { TestControlPlane } from '../test/support/api-server.ts';
import { AuditLog, type RequestCounts } from '../test/support/audit-log.ts';
import { startKwokCluster } from '../test/support/kwok.ts';
import { cpuSeconds, peakRssMiB } from '../test/support/process-figures.ts';
import { RecordingLogger } from '../test/support/recording-logger.ts';
import { SimulatedBitcoind } from '../test/support/simulated-bitcoind.ts';
import { runBaseline, runNetworks, type Size } from './scale-runs.ts';

const cases: Readonly<Record<string, Size>> = {
  'scale-100x5': { networks: 100, nodes: 5 },
  'scale-400x5': { networks: 400, nodes: 5 },
};
const usage = `usage: node bench/scale.ts ${Object.keys(cases).join('|')} [--rest-seconds N] [--node-option OPTION]…

Prints one JSON line: how long Kubernetes alone needs for the Services, StatefulSets and pods (baselineSeconds), how long the
controller needs for the networks that consist of them (seconds), what it asked of the API server, and what it costs at rest.
`;
const controllerFile = path.join(import.meta.dirname, '..', 'dist', 'main.js');
const simulatedKubeNodes = 20;
/** What is written behind the last status: its events. */
const settleSeconds = 5;

interface Options {
  readonly restSeconds: number;
  readonly nodeOptions: readonly string[];
}

function adminClient(cluster: TestControlPlane): KubeClient {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(cluster.kubeconfigPath);
  return new KubeClient({ kubeConfig, logger: new RecordingLogger(), userAgent: 'bench', qps: 0 });
}

/** Resolves when its caches hold everything. */
async function startController(cluster: TestControlPlane, nodeOptions: readonly string[]): Promise<RunningProgram> {
  const { setpriv } = await providePrograms(['setpriv']);
  const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
  const controller = await RunningProgram.start({
    name: 'controller',
    file: process.execPath,
    args: [...nodeOptions, controllerFile, `--kubeconfig=${cluster.kubeconfigPath}`, `--health-address=${address}`],
    logFile: path.join(cluster.dir, 'logs', 'controller.log'),
    setpriv,
  });
  await waitUntil('the controller', 30_000, async () => {
    controller.assertRuns();
    return (await fetch(`http://${address}/readyz`)).ok;
  });
  return controller;
}

async function rest(controller: RunningProgram, log: AuditLog, size: Size, seconds: number): Promise<object> {
  const { pid } = controller.identity;
  const before = cpuSeconds(pid);
  await log.read();
  const startedMs = performance.now();
  await delay(seconds * 1000);
  controller.assertRuns();
  const cpuPercent = ((cpuSeconds(pid) - before) / (performance.now() - startedMs)) * 1000 * 100;
  const counts = await log.read();
  const perHundred = { cpuPercentPer100Networks: rounded((cpuPercent / size.networks) * 100) };
  return { seconds, apiWrites: counts.writes, apiRequests: counts.byVerb, cpuPercent: rounded(cpuPercent), ...perHundred };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

async function measure(name: string, size: Size, options: Options, progress: Progress): Promise<object> {
  const cluster = await progress.step('control plane', () => startKwokCluster({ nodes: simulatedKubeNodes }));
  const client = adminClient(cluster);
  const bitcoind = await SimulatedBitcoind.start({ user: 'user', password: 'password' });
  try {
    await cluster.kubectlWithInput(JSON.stringify(customResourceDefinition()), 'create', '--filename', '-');
    await cluster.kubectl('wait', '--for=condition=Established', 'crd', '--all');
    const baselineSeconds = await progress.step(`${name}: Kubernetes alone`, detail => runBaseline(client, size, detail));
    const log = new AuditLog(cluster.auditLogPath, 'bitcoin-controller/');
    const controller = await startController(cluster, options.nodeOptions);
    try {
      const { pid } = controller.identity;
      const seconds = await progress.step(`${name}: the controller`, detail => runNetworks(client, bitcoind, size, detail));
      const cpu = cpuSeconds(pid);
      await delay(settleSeconds * 1000);
      const counts = await log.read();
      progress_(counts);
      const atRest = await progress.step(`${name}: at rest`, () => rest(controller, log, size, options.restSeconds));
      return {
        case: name,
        ...size,
        seconds: rounded(seconds),
        baselineSeconds: rounded(baselineSeconds),
        ratio: rounded(seconds / baselineSeconds),
        apiWritesPerNetwork: rounded(counts.writes / size.networks),
        apiRequests: counts.byVerb,
        cpuSeconds: cpu,
        peakRssMiB: rounded(peakRssMiB(pid)),
        atRest,
      };
    } finally {
      await controller.stop(10_000);
    }
  } finally {
    await bitcoind.stop();
    await client.close();
    await cluster.stop();
  }
}

/** The requests one by one, for whoever watches. */
function progress_(counts: RequestCounts): void {
  for (const [request, count] of [...counts.byRequest].sort()) process.stderr.write(`  ${request}: ${count}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean' },
      'rest-seconds': { type: 'string', default: '120' },
      'node-option': { type: 'string', multiple: true, default: [] },
    },
    allowPositionals: true,
  });
  const [name = ''] = positionals;
  const size = cases[name];
  const restSeconds = Number(values['rest-seconds']);
  if (values.help === true || size === undefined || !(restSeconds >= 0)) {
    process.stderr.write(usage);
    return values.help === true ? 0 : 2;
  }
  const line = await measure(name, size, { restSeconds, nodeOptions: values['node-option'] }, new Progress());
  process.stdout.write(`${JSON.stringify(line)}\n`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
