// Decides whether the memory and the sockets of a soak grew more than allowed.
import type { SoakSummary } from './soak.ts';

/** Caches of events fill up to their bounds in the first hour; a leak of 100 bytes a reconcile is more than this. */
const heapMayGrowMiB = 8;
/** Nodes that hang hold a connection each. */
const socketsMayGrow = 40;

/** The figures that grew too much, one line each. */
export function growthOf({ heapMiB, sockets }: Pick<SoakSummary, 'heapMiB' | 'sockets'>): string[] {
  const lines: string[] = [];
  if (!(heapMiB.last <= heapMiB.first + heapMayGrowMiB)) lines.push(`heap: ${heapMiB.first} to ${heapMiB.last} MiB`);
  if (!(sockets.last <= sockets.first + socketsMayGrow)) lines.push(`sockets: ${sockets.first} to ${sockets.last}`);
  return lines;
}
