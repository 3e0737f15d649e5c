// The soak: random faults and edits of networks. At its end every network must be as its spec says, and
// the controller's heap and number of sockets must not have grown.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../tools/kubernetes/free-port.ts';
import { FatalWaitError, waitUntil } from '../../tools/kubernetes/wait-until.ts';
import { SeededRandom } from '../parity/scenarios/seeded-random.ts';
import {
  adminClient,
  installDefinition,
  type RunningController,
  startController,
} from '../support/processes/bundled-controller.ts';
import { startKwokCluster } from '../support/cluster/kwok.ts';
import { openSockets, peakRssMiB, rssMiB } from '../support/processes/process-figures.ts';
import { SimulatedBitcoind } from '../support/fakes/simulated-bitcoind.ts';
import { TcpProxy } from '../support/fakes/tcp-proxy.ts';
import { InspectedHeap } from './inspected-heap.ts';
import { SoakWorld } from './soak-world.ts';

export interface SoakOptions {
  /** The duration of the faults. */
  readonly minutes: number;
  readonly networks: number;
  readonly seed: number;
  /** The file of the controller. Default: the bundled one. */
  readonly file?: string;
  /** Receives the progress. */
  readonly say: (line: string) => void;
}

export interface SoakSummary {
  readonly seed: number;
  readonly minutes: number;
  readonly networks: number;
  readonly done: Readonly<Record<string, number>>;
  /** From the end of the last fault until every network was as its spec says. */
  readonly secondsToRight: number;
  /** Medians of the first and the last third of the samples, the first fifth left out. */
  readonly heapMiB: Trend;
  readonly sockets: Trend;
  readonly rssMiB: Trend & { readonly peak: number };
}

interface Trend {
  readonly first: number;
  readonly last: number;
}

interface Sample {
  readonly heapMiB: number;
  readonly sockets: number;
  readonly rssMiB: number;
}

const shortestPauseMs = 100;
const longestPauseMs = 700;
const sampleMs = 5_000;
/** The time between two restarts of the API server. */
const restartPauseMs = { from: 30_000, to: 70_000 };
/** An informer may back off for a minute after many faults; a hung call, re-checks and pods in sequence follow. */
const rightWithinMs = 240_000;
/** More frequent than by default, so that an hour has the re-checks of four. */
const controllerArgs = ['--recheck-seconds=15', '--log-level=warn'];

/** @throws Error with the differences if the networks are not as their spec says in time */
export async function soak(options: SoakOptions): Promise<SoakSummary> {
  const { networks, seed, file } = options;
  const random = new SeededRandom(seed);
  const controlPlane = await startKwokCluster({ nodes: 10 });
  const bitcoind = await SimulatedBitcoind.start({ user: 'user', password: 'password' });
  const proxy = await TcpProxy.start(controlPlane.serverUrl);
  const client = adminClient(controlPlane);
  let controller: RunningController | undefined;
  let heap: InspectedHeap | undefined;
  try {
    await installDefinition(controlPlane);
    const kubeconfigPath = path.join(controlPlane.dir, 'proxied.kubeconfig');
    await writeFile(kubeconfigPath, controlPlane.adminKubeconfig.replace(controlPlane.serverUrl, proxy.url), { mode: 0o600 });
    const inspectorPort = await freePort('127.0.0.1');
    const nodeOptions = [`--inspect=127.0.0.1:${inspectorPort}`];
    const how = { ...(file === undefined ? {} : { file }), nodeOptions, args: controllerArgs };
    controller = await startController({ kubeconfigPath, dir: controlPlane.dir }, how);
    heap = await InspectedHeap.open(inspectorPort);
    const world = new SoakWorld({ controlPlane, proxy, bitcoind, client, random }, networks);
    await world.begin();
    const samples = await disturb(world, { ...options, random }, controller, heap);
    const secondsToRight = await untilRight(world, options, controller);
    return { ...summaryOf(samples, controller), seed, minutes: options.minutes, networks, done: world.done, secondsToRight };
  } finally {
    heap?.close();
    await controller?.program.stop(10_000);
    await proxy.stop();
    await client.close();
    await bitcoind.stop();
    await controlPlane.stop();
  }
}

async function disturb(
  world: SoakWorld,
  { minutes, random, say }: SoakOptions & { readonly random: SeededRandom },
  { program, pid }: RunningController,
  heap: InspectedHeap,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const endMs = performance.now() + minutes * 60_000;
  let nextSampleMs = performance.now() + sampleMs;
  let nextRestartMs = performance.now() + random.integer(restartPauseMs.from, restartPauseMs.to);
  let restart = Promise.resolve();
  while (performance.now() < endMs) {
    program.assertRuns();
    await world.disturb();
    await world.provision();
    if (performance.now() > nextRestartMs) {
      nextRestartMs = performance.now() + random.integer(restartPauseMs.from, restartPauseMs.to);
      restart = world.restartApiServer();
    }
    if (performance.now() > nextSampleMs) {
      for (const ended of await world.revive()) say(ended);
      nextSampleMs = performance.now() + sampleMs;
      samples.push({ heapMiB: await heap.usedMiB(), sockets: openSockets(pid), rssMiB: rssMiB(pid) });
      say(`${Math.max(0, (endMs - performance.now()) / 1000).toFixed(0)} s left: ${JSON.stringify(samples.at(-1))}`);
    }
    await delay(random.integer(shortestPauseMs, longestPauseMs));
  }
  await restart;
  return samples;
}

async function untilRight(world: SoakWorld, { say }: Pick<SoakOptions, 'say'>, { program }: RunningController): Promise<number> {
  await waitUntil('every fault to end', rightWithinMs, async () => {
    await world.calm();
    return true;
  });
  const startedMs = performance.now();
  let wrongs: readonly string[] = [];
  try {
    await waitUntil('every network to be right', rightWithinMs, async () => {
      assertRuns(program);
      wrongs = ['the cluster could not be asked'];
      // Also now: a scheduler that meets an API server which has just started exits.
      for (const ended of await world.revive()) say(ended);
      await world.provision();
      wrongs = await world.wrongs();
      return wrongs.length === 0;
    });
  } catch (error) {
    if (error instanceof FatalWaitError) throw error;
    const scene = await world.scene().catch((unseen: unknown) => `no scene: ${String(unseen)}`);
    throw new Error(`${wrongs.length} wrong ${rightWithinMs / 1000} s after the last fault:\n${wrongs.join('\n')}\n${scene}`, {
      cause: error,
    });
  }
  return (performance.now() - startedMs) / 1000;
}

/** @throws FatalWaitError if the controller has ended: no network will be right then */
function assertRuns(program: RunningController['program']): void {
  try {
    program.assertRuns();
  } catch (error) {
    throw new FatalWaitError('the controller has ended', { cause: error });
  }
}

function summaryOf(samples: readonly Sample[], { pid }: RunningController): Pick<SoakSummary, 'heapMiB' | 'sockets' | 'rssMiB'> {
  const warm = samples.slice(Math.floor(samples.length / 5));
  const third = Math.floor(warm.length / 3);
  const trend = (value: (sample: Sample) => number): Trend => ({
    first: median(warm.slice(0, third).map(value)),
    last: median(warm.slice(-third).map(value)),
  });
  return {
    heapMiB: trend(sample => sample.heapMiB),
    sockets: trend(sample => sample.sockets),
    rssMiB: { ...trend(sample => sample.rssMiB), peak: peakRssMiB(pid) },
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
