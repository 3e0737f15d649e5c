// What the kernel knows of another process: processor time, memory, open files. For benchmarks and the soak. Linux only.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** USER_HZ: the kernel counts processor time for programs in hundredths of a second, on every architecture that Node.js runs on. */
const ticksPerSecond = 100;

/** Processor time, user and system, of all of its threads since it was started. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in parentheses, which may hold anything; utime and stime are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The most memory that it ever had resident. */
export const peakRssMiB = (pid: number): number => memoryMiB(pid, 'VmHWM');

export const rssMiB = (pid: number): number => memoryMiB(pid, 'VmRSS');

function memoryMiB(pid: number, field: string): number {
  const [, kibibytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kibibytes === undefined) throw new Error(`process ${pid} has no ${field}`);
  return Number(kibibytes) / 1024;
}

/** How many sockets it has open. */
export function openSockets(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter(name => isSocket(`${folder}/${name}`)).length;
}

function isSocket(file: string): boolean {
  try {
    return readlinkSync(file).startsWith('socket:');
  } catch {
    // Closed in between.
    return false;
  }
}
