// npm start: from a clean clone to a bitcoin network on a real Kubernetes. However it ends (also by Ctrl-C), it removes what it created,
// unless --keep is given.
import { parseArgs } from 'node:util';
import { controllerNamespace, Installation, networkName, networkNamespace, release } from './installation.ts';
import { checkNetwork } from './network-check.ts';
import { Progress, say } from './progress.ts';
import { type StartOptions, type TargetCluster, targetCluster } from './target-cluster.ts';

const usage = `npm start [-- OPTIONS]

Starts a real one-node Kubernetes on this machine (needs Debian, root and Go; its programs are built once, which takes minutes), builds
the images, installs the Helm chart, applies examples/with-credentials.yaml and shows the network. Ctrl-C removes all of it.

  --check                   check that the nodes are connected, remove everything, and exit with 0 or 1
  --keep                    leave everything running and show how to reach it
  --context NAME            use the cluster of this context instead, and touch no other; a KUBECONFIG in the environment does the same.
                            What was installed there is removed at the end. The images are loaded into its nodes
                            if kind, k3d or minikube made the cluster; any other cluster needs one of:
  --registry REGISTRY/PATH  build the images and push them there
  --controller-image IMAGE, --bitcoind-image IMAGE    use these images
  --help                    show this
`;

const optionTypes = {
  check: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  context: { type: 'string' },
  registry: { type: 'string' },
  'controller-image': { type: 'string' },
  'bitcoind-image': { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

async function start(options: StartOptions, signal: AbortSignal): Promise<void> {
  const progress = new Progress();
  const cluster = await targetCluster(options, progress);
  const installation = new Installation(cluster, progress);
  let keeps = false;
  try {
    await installation.install(signal);
    signal.throwIfAborted();
    if (options.check) await progress.step('Checking the network', () => checkNetwork(cluster));
    await show(cluster);
    say(`\nDone in ${progress.elapsed}.`);
    keeps = options.keep;
    if (keeps) showAccess(cluster, removal(cluster, installation));
    else if (!options.check) await untilInterrupted(cluster, signal);
  } finally {
    if (!keeps) await takeDown(installation, cluster);
  }
}

/** How to remove what --keep leaves. */
const removal = (cluster: TargetCluster, installation: Installation): string =>
  cluster.goesAway
    ? 'To remove it: npm run cluster -- down'
    : `To remove it:\n\n  ${[`alias helm='${cluster.helmCommand}'`, ...installation.removalCommands].join('\n  ')}`;

async function takeDown(installation: Installation, cluster: TargetCluster): Promise<void> {
  say('');
  try {
    await installation.uninstall();
  } finally {
    await cluster.takeDown();
  }
}

/** Prints what a user would ask for: the network, its pods and its description. */
async function show(cluster: TargetCluster): Promise<void> {
  const questions = [
    ['get', 'bitcoinnetworks'],
    ['get', 'pods', '--selector', `app=${networkName}`, '--output=wide'],
    ['describe', 'bitcoinnetwork', networkName],
  ];
  for (const question of questions) {
    const answer = await cluster.kubectl([...question, '--namespace', networkNamespace]);
    process.stdout.write(`\n$ kubectl --namespace ${networkNamespace} ${question.join(' ')}\n${answer}`);
  }
}

/** Prints how to reach the network, and then how it is removed. */
function showAccess(cluster: TargetCluster, ending: string): void {
  const kubectl = `kubectl --namespace ${networkNamespace}`;
  process.stdout.write(`
The network is up on ${cluster.description}. To try it from another terminal:

  alias kubectl='${cluster.kubectlCommand}'
  ${kubectl} scale bitcoinnetwork ${networkName} --replicas 5
  ${kubectl} get bitcoinnetworks --watch
  ${kubectl} exec ${networkName}-sts-0 -- bitcoin-cli -regtest -conf=/bitcoin.conf getaddednodeinfo
  ${kubectl} delete pod ${networkName}-sts-1
  ${kubectl} get events --watch
  kubectl --namespace ${controllerNamespace} logs deployment/${release}

${ending}
`);
}

async function untilInterrupted(cluster: TargetCluster, signal: AbortSignal): Promise<void> {
  showAccess(cluster, 'Ctrl-C removes everything.');
  // Nothing else keeps this process alive.
  const alive = setInterval(() => undefined, 60_000);
  await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }));
  clearInterval(alive);
}

/** Aborted by the first Ctrl-C or SIGTERM. Later ones are ignored, because the removal takes only seconds and must be complete. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) say('\nRemoving everything …');
      controller.abort(new Error(`Interrupted by ${name}`));
    });
  }
  return controller.signal;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: optionTypes });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const { check, keep, context, registry } = values;
  const options = {
    check,
    keep,
    context,
    registry,
    controllerImage: values['controller-image'],
    bitcoindImage: values['bitcoind-image'],
  };
  const signal = interruption();
  try {
    await start(options, signal);
  } catch (error) {
    // Interrupted work fails in many ways, none of which is worth a message.
    if (!signal.aborted || check) throw error;
  }
}

try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
