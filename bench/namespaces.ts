// The cost of a watched namespace: `node bench/namespaces.ts namespaces-150`. One JSON line on standard output.
//   The bundled controller on a real API server with 1 and with 150 watched namespaces, each without a network, a minute after it was ready.
import { setTimeout as sleep } from 'node:timers/promises';
import { startControlPlane, type TestControlPlane } from '../test/support/cluster/api-server.ts';
import { cpuSeconds, openSockets, peakRssMiB, rssMiB } from '../test/support/processes/process-figures.ts';
import {
  adminClient,
  buildController,
  installDefinition,
  startController,
} from '../test/support/processes/bundled-controller.ts';

const name = 'namespaces-150';
const count = 150;
const restMs = 60_000;
const namespaceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };

interface Figures {
  readonly secondsToReady: number;
  readonly cpuSeconds: number;
  readonly sockets: number;
  readonly rssMiB: number;
  readonly peakRssMiB: number;
}

async function figuresWith(cluster: TestControlPlane, namespaces: readonly string[]): Promise<Figures> {
  const { program, pid, secondsToReady } = await startController(cluster, { args: [`--namespace=${namespaces.join(',')}`] });
  await sleep(restMs);
  const figures = {
    secondsToReady,
    cpuSeconds: cpuSeconds(pid),
    sockets: openSockets(pid),
    rssMiB: rssMiB(pid),
    peakRssMiB: peakRssMiB(pid),
  };
  await program.stop(10_000);
  return figures;
}

async function measure(): Promise<object> {
  await buildController();
  const cluster = await startControlPlane();
  const client = adminClient(cluster);
  try {
    await installDefinition(cluster);
    const namespaces = Array.from({ length: count }, (_, index) => `watched-${index}`);
    await Promise.all(namespaces.map(namespace => client.create(namespaceType, { metadata: { name: namespace } })));
    const one = await figuresWith(cluster, namespaces.slice(0, 1));
    const many = await figuresWith(cluster, namespaces);
    const perNamespace = {
      sockets: (many.sockets - one.sockets) / (count - 1),
      rssKiB: (1024 * (many.rssMiB - one.rssMiB)) / (count - 1),
    };
    return { case: name, namespaces: count, ...many, withOneNamespace: one, perNamespace };
  } finally {
    await client.close();
    await cluster.stop();
  }
}

if (process.argv[2] === name) process.stdout.write(`${JSON.stringify(await measure())}\n`);
else {
  process.stderr.write(`usage: node bench/namespaces.ts ${name}\n`);
  process.exitCode = process.argv[2] === '--help' ? 0 : 2;
}
