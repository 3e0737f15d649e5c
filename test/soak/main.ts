// `npm run soak`: runs the soak for the given time on the bundled controller. Prints one JSON line; progress goes to standard error.
import { parseArgs } from 'node:util';
import { say } from '../../tools/progress.ts';
import { buildController } from '../support/processes/bundled-controller.ts';
import { growthOf } from './growth.ts';
import { soak } from './soak.ts';

const usage = `usage: npm run soak [-- --minutes N] [--networks N] [--seed N]

Random faults and edits over 20 networks for N minutes (default: 60), on simulated nodes with a real control plane. Afterwards every
network must be right within 240 s, and neither the heap nor the number of sockets may have grown. Needs root, for the addresses.
The same seed does the same things; how they fall together is up to the machine.
`;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean' },
      minutes: { type: 'string', default: '60' },
      networks: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  const [minutes, networks, seed] = [Number(values.minutes), Number(values.networks), Number(values.seed)];
  if (values.help === true || !(minutes > 0) || !(networks > 0) || !Number.isInteger(seed)) {
    process.stderr.write(usage);
    return values.help === true ? 0 : 2;
  }
  say(`seed ${seed}`);
  await buildController();
  const summary = await soak({ minutes, networks, seed, say });
  const growth = growthOf(summary);
  process.stdout.write(`${JSON.stringify({ ...summary, growth })}\n`);
  return growth.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
