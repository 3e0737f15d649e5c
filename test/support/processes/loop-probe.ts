// Measures how long the event loop of the process that preloads it (`--import`) is blocked. SIGUSR2 writes the figures since the last one to
// the file in the query of the import, as JSON, and starts again.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const intervalMs = 5;
const file = new URL(import.meta.url).searchParams.get('file') ?? '';
const delay = monitorEventLoopDelay({ resolution: intervalMs });
delay.enable();
/** The most processor time of the thread between two turns: what a block takes, however busy the machine is. */
let longestTurnMs = 0;
let last = usedMs();
/** Whether the program has been loaded, which is one long turn before it does anything: it listens to SIGTERM then. */
let isLoaded = false;

function usedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function measure(): void {
  const now = usedMs();
  if (isLoaded) longestTurnMs = Math.max(longestTurnMs, now - last);
  isLoaded ||= process.listenerCount('SIGTERM') > 0;
  last = now;
}

/** Nanoseconds that the thread has run, and has waited for a processor. */
const scheduled = (): number[] => readFileSync('/proc/self/schedstat', 'utf8').split(' ').map(Number);
let [ranBefore = 0, waitedBefore = 0] = scheduled();

/** The part of the time in which the thread could run that it got a processor: work piles up in the rest, and is done in one turn. */
function processorShare(): number {
  const [ran = 0, waited = 0] = scheduled();
  const share = (ran - ranBefore) / Math.max(1, ran - ranBefore + waited - waitedBefore);
  [ranBefore, waitedBefore] = [ran, waited];
  return share;
}

setInterval(measure, intervalMs).unref();
process.on('SIGUSR2', () => {
  measure();
  writeFileSync(
    `${file}.new`,
    JSON.stringify({ longestTurnMs, longestDelayMs: delay.max / 1e6, processorShare: processorShare() }),
  );
  renameSync(`${file}.new`, file);
  longestTurnMs = 0;
  delay.reset();
});
