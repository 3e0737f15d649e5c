// npm start: from a clean clone to a bitcoin network on a real Kubernetes. Before it: nothing. After it: target-cluster.ts, then
// installation.ts. Whatever ends it (Ctrl-C too), it takes down what it has brought up.
import { parseArgs } from 'node:util';
import { controllerNamespace, Installation, networkName, networkNamespace, release } from './installation.ts';
import { checkNetwork } from './network-check.ts';
import { Progress, say } from './progress.ts';
import { namesCluster, type StartOptions, type TargetCluster, targetCluster } from './target-cluster.ts';

const usage = `npm start [-- OPTIONS]

Brings up a real one-node Kubernetes on this machine (Debian, root, Go; its programs are built once, which takes minutes), builds
the images, installs the Helm chart, applies examples/with-credentials.yaml, and shows the network. Ctrl-C takes it all down.

  --check                   assert that the nodes are joined, take everything down, and exit with 0 or 1
  --keep                    leave everything up at the end
  --context NAME            use this context's cluster instead, and no other (so does a KUBECONFIG in the environment);
                            what was installed there is removed at the end. It needs one of:
  --registry REGISTRY/PATH  build the images and push them there
  --controller-image IMAGE, --bitcoind-image IMAGE    use these
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
    if (!options.check && !options.keep) await untilInterrupted(cluster, signal);
  } finally {
    if (keeps)
      say(
        namesCluster(options)
          ? `To remove it: helm uninstall ${release} --namespace ${controllerNamespace}`
          : 'To take it down: npm run cluster -- down',
      );
    else await takeDown(installation, cluster);
  }
}

async function takeDown(installation: Installation, cluster: TargetCluster): Promise<void> {
  say('');
  try {
    await installation.uninstall();
  } finally {
    await cluster.takeDown();
  }
}

/** Prints the network as a user would look at it. */
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

async function untilInterrupted(cluster: TargetCluster, signal: AbortSignal): Promise<void> {
  const kubectl = `kubectl --namespace ${networkNamespace}`;
  process.stdout.write(`
The network is up on ${cluster.description}. In another terminal:

  alias kubectl='${cluster.kubectlCommand}'
  ${kubectl} scale bitcoinnetwork ${networkName} --replicas 5
  ${kubectl} get bitcoinnetworks --watch
  ${kubectl} exec ${networkName}-sts-0 -- bitcoin-cli -regtest -conf=/bitcoin.conf getaddednodeinfo
  ${kubectl} delete pod ${networkName}-sts-1
  ${kubectl} get events --watch
  kubectl --namespace ${controllerNamespace} logs deployment/${release}

Ctrl-C takes everything down.
`);
  // Nothing else keeps this process alive.
  const alive = setInterval(() => undefined, 60_000);
  await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }));
  clearInterval(alive);
}

/** Aborted by the first Ctrl-C or SIGTERM. Further ones change nothing: taking down takes seconds, and half of it helps nobody. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) say('\nTaking everything down …');
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
    // What was interrupted fails in many ways, none of which is worth telling.
    if (!signal.aborted || check) throw error;
  }
}

try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
