// `npm run rollouts`: rolls networks out on the real cluster, of each storage and size, by each kind of rollout, while the controller is
// killed and stopped. Prints one JSON line for each rollout; progress goes to standard error.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { controllerNamespace, release } from '../../tools/installation.ts';
import { say } from '../../tools/progress.ts';
import { releaseSharedCluster, sharedCluster } from '../support/cluster/cluster.ts';
import { NetworkNamespace } from '../support/cluster/network-namespace.ts';
import { loadOtherBitcoind } from '../support/cluster/other-bitcoind-image.ts';
import { type KindOfRollout, kindsOfRollout, RolledNetwork, type Storage, storages } from './matrix.ts';

const chart = path.join(import.meta.dirname, '..', '..', 'charts', 'bitcoin-controller');

const usage = `usage: npm run rollouts [-- --height N] [--nodes N,…] [--storage NAME,…] [--kinds NAME,…] [--fault-seconds N]
  [--timeout-seconds N]

Restarts the nodes of networks on the local cluster, while the controller is killed and stopped in turn. After each rollout all nodes
must have the chain of before; that of the only node of an ephemeral network must be refused. Needs root, for the local cluster.

  --height N          blocks of each network before its first rollout (default: 300)
  --nodes N,…         sizes of the networks (default: 1,2,3,5)
  --storage NAME,…    of ${storages.join(', ')} (default: both)
  --kinds NAME,…      of ${kindsOfRollout.join(', ')} (default: all, in this order)
  --fault-seconds N   between two faults of the controller, at least 20 (default: 22); its Lease lasts for 15
  --timeout-seconds N for one rollout (default: 900)
`;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean' },
      height: { type: 'string', default: '300' },
      nodes: { type: 'string', default: '1,2,3,5' },
      storage: { type: 'string', default: storages.join(',') },
      kinds: { type: 'string', default: kindsOfRollout.join(',') },
      'fault-seconds': { type: 'string', default: '22' },
      'timeout-seconds': { type: 'string', default: '900' },
    },
  });
  const height = Number(values.height);
  const sizes = values.nodes.split(',').map(Number);
  const chosenStorages = values.storage.split(',') as Storage[];
  const kinds = values.kinds.split(',') as KindOfRollout[];
  const [faultSeconds, timeoutSeconds] = [Number(values['fault-seconds']), Number(values['timeout-seconds'])];
  const isUsable =
    [height, ...sizes].every(number => Number.isInteger(number) && number > 0) &&
    chosenStorages.every(storage => storages.includes(storage)) &&
    kinds.every(kind => kindsOfRollout.includes(kind)) &&
    faultSeconds >= 20 &&
    timeoutSeconds > 0;
  if (values.help === true || !isUsable) {
    process.stderr.write(usage);
    return values.help === true ? 0 : 2;
  }
  const cluster = await sharedCluster();
  await loadOtherBitcoind();
  const where = ['--namespace', controllerNamespace, '--create-namespace', '--wait', '--timeout', '180s'];
  await cluster.helm('upgrade', '--install', release, chart, ...where);
  const namespace = await NetworkNamespace.create(cluster, 'rollouts');
  const timeoutMs = timeoutSeconds * 1_000;
  let lost = 0;
  try {
    for (const storage of chosenStorages)
      for (const nodes of sizes) {
        const network = new RolledNetwork({ cluster, namespace, faultSeconds, timeoutMs, say }, storage, nodes);
        await network.create(height);
        for (const kind of kinds) {
          const outcome = await network.roll(kind);
          process.stdout.write(`${JSON.stringify(outcome)}\n`);
          if (outcome.outcome !== 'lost') continue;
          lost += 1;
          break;
        }
        await network.remove();
      }
  } finally {
    await namespace.delete();
    await cluster.helm('uninstall', release, '--namespace', controllerNamespace, '--wait', '--ignore-not-found');
    await releaseSharedCluster();
  }
  say(lost === 0 ? 'No rollout lost a chain.' : `${lost} rollouts lost a chain or did not end.`);
  return lost === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
