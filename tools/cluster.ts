// npm run cluster: the command line of kubernetes/one-node-cluster.ts.
import {
  bringClusterUp,
  clusterKubeconfig,
  clusterState,
  describeCluster,
  loadImages,
  takeClusterDown,
} from './kubernetes/one-node-cluster.ts';
import { Progress, say } from './progress.ts';
import { providePrograms } from './programs.ts';

const usage = `npm run cluster -- COMMAND

A real one-node Kubernetes on this machine (Debian, root): kubelet, containerd, pods and services.
Its programs are built and fetched once into the cache. After that it starts in seconds.

  up                start it; does nothing if it runs
  down              stop it and remove everything that belongs to it
  status            show whether it runs, and what runs in it
  load FILE.tar…    load image archives into it
  kubeconfig        print the path of its kubeconfig
`;

async function main(command: string | undefined, args: readonly string[]): Promise<void> {
  const progress = new Progress();
  switch (command) {
    case 'up': {
      const isNew = await bringClusterUp(progress);
      const { kubectl } = await providePrograms(['kubectl'], progress);
      say(`${isNew ? `The local cluster is up (${progress.elapsed})` : 'The local cluster was already up'}. To use it:`);
      process.stdout.write(`export KUBECONFIG=${clusterKubeconfig}\nalias kubectl=${kubectl}\n`);
      break;
    }
    case 'down':
      await takeClusterDown(progress);
      say('The local cluster is down.');
      break;
    case 'status': {
      const state = await clusterState();
      process.stdout.write(
        state === 'up'
          ? await describeCluster()
          : `The local cluster is ${state === 'down' ? 'down' : 'broken; npm run cluster -- down removes it'}.\n`,
      );
      if (state !== 'up') process.exitCode = 1;
      break;
    }
    case 'load':
      if (args.length === 0)
        throw new Error(
          'Please name the image archives to load. npm run images writes build/images/controller.tar and build/images/bitcoind.tar',
        );
      await loadImages(args, progress);
      break;
    case 'kubeconfig':
      process.stdout.write(`${clusterKubeconfig}\n`);
      break;
    default:
      process.stdout.write(usage);
      if (command !== undefined && !['help', '--help', '-h'].includes(command)) process.exitCode = 2;
  }
}

try {
  const [command, ...args] = process.argv.slice(2);
  await main(command, args);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
