// The benchmark of the start: `node bench/start.ts start-to-ready` prints one JSON line: the time from the start of the bundled controller's
// process until /readyz answers 200, on a real API server; the median of several starts.
import { startControlPlane } from '../test/support/cluster/api-server.ts';
import { cpuSeconds, peakRssMiB } from '../test/support/processes/process-figures.ts';
import { buildController, installDefinition, startController } from '../test/support/processes/bundled-controller.ts';

const name = 'start-to-ready';
const starts = 11;

async function measure(): Promise<object> {
  await buildController();
  const cluster = await startControlPlane();
  try {
    await installDefinition(cluster);
    const figures: { seconds: number; cpuSeconds: number; peakRssMiB: number }[] = [];
    for (let start = 0; start < starts; start += 1) {
      const { program, pid, secondsToReady } = await startController(cluster);
      figures.push({ seconds: secondsToReady, cpuSeconds: cpuSeconds(pid), peakRssMiB: peakRssMiB(pid) });
      await program.stop(10_000);
    }
    figures.sort((one, other) => one.seconds - other.seconds);
    const [fastest, middle, slowest] = [figures.at(0), figures[Math.floor(starts / 2)], figures.at(-1)];
    return { case: name, starts, ...middle, fastestSeconds: fastest?.seconds, slowestSeconds: slowest?.seconds };
  } finally {
    await cluster.stop();
  }
}

if (process.argv[2] === name) process.stdout.write(`${JSON.stringify(await measure())}\n`);
else {
  process.stderr.write(`usage: node bench/start.ts ${name}\n`);
  process.exitCode = process.argv[2] === '--help' ? 0 : 2;
}
