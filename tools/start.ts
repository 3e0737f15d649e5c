// `npm start`: from a clean clone to a bitcoin network, on a Kubernetes of this machine's own or on one that the user names.
// What it makes it takes down again, at Ctrl-C or after --check. It uses images.ts, kubernetes/one-node-cluster.ts and installation.ts.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildImages, pushImages } from './images.ts';
import { bringClusterUp, clusterKubeconfig, loadImages, takeClusterDown } from './kubernetes/one-node-cluster.ts';
import { type Cluster, createRestrictedNamespace, installController, kubectl, uninstallController } from './installation.ts';
import { Progress, say } from './progress.ts';

const root = path.resolve(import.meta.dirname, '..');
const namespace = 'bitcoin';
const example = 'examples/with-credentials.yaml';
const networkName = 'my-network';
const connectTimeoutSeconds = 120;

const usage = `npm start [-- OPTION…]

Runs a bitcoin network of three nodes on a real Kubernetes and shows what became of it. Without a cluster named, it brings up one of
its own on this machine (Debian, root; built once, in about ten minutes, then up in seconds). Ctrl-C takes everything down again.

  --check                    assert that it works, take it down, and exit with 0 or 1
  --keep                     leave everything running at the end
  --context NAME             use this context of your kubeconfig instead (so does a KUBECONFIG that is set)
  --registry REGISTRY/PATH   build the images and push them there, for a cluster that pulls from it
  --controller-image IMAGE   run this image of the controller …
  --bitcoind-image IMAGE     … and this one of bitcoind, which the cluster can pull
  --help                     show this
`;

interface Options {
  readonly check: boolean;
  readonly keep: boolean;
  readonly context: string | undefined;
  readonly registry: string | undefined;
  readonly controllerImage: string | undefined;
  readonly bitcoindImage: string | undefined;
}

function readOptions(): Options | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      check: flag,
      keep: flag,
      help: flag,
      context: text,
      registry: text,
      'controller-image': text,
      'bitcoind-image': text,
    },
  });
  if (values.help) return undefined;
  const { check, keep, context, registry, 'controller-image': controllerImage, 'bitcoind-image': bitcoindImage } = values;
  return { check, keep, context, registry, controllerImage, bitcoindImage };
}

/** Undefined: the local cluster, which this program brings up. */
function namedCluster({ context }: Options): Cluster | undefined {
  const { KUBECONFIG } = process.env;
  if (context === undefined && (KUBECONFIG === undefined || KUBECONFIG === '')) return undefined;
  return { kubeconfig: KUBECONFIG ?? path.join(homedir(), '.kube', 'config'), context };
}

/** Brings the network up; `undo` gets what takes down again what has been made so far. */
async function bringUp(options: Options, progress: Progress, undo: (() => Promise<void>)[]): Promise<Cluster> {
  const named = namedCluster(options);
  const cluster = named ?? { kubeconfig: clusterKubeconfig };
  let images = { controller: options.controllerImage, bitcoind: options.bitcoindImage };
  if (named === undefined) {
    const built = await buildImages(progress);
    undo.push(() => takeClusterDown(progress));
    await bringClusterUp(progress);
    await loadImages(
      built.map(({ archive }) => archive),
      progress,
    );
  } else if (options.registry !== undefined) {
    const pushed = await pushImages(options.registry, await buildImages(progress), progress);
    images = { controller: pushed.controller, bitcoind: pushed.bitcoind };
  } else if (images.controller === undefined || images.bitcoind === undefined) {
    throw new Error(
      'A cluster of yours must be able to pull the images: pass --registry REGISTRY/PATH, or --controller-image and --bitcoind-image',
    );
  }
  if (named !== undefined)
    undo.push(async () => {
      await progress.step('Deleting the network and its namespace', () =>
        kubectl(cluster, ['delete', 'namespace', namespace, '--ignore-not-found']),
      );
      await progress.step('Uninstalling the controller', () => uninstallController(cluster));
    });
  await progress.step('Installing the controller with Helm', () => installController(cluster, images));
  await createRestrictedNamespace(cluster, namespace);
  await progress.step(`Applying ${example}`, async () =>
    kubectl(cluster, ['apply', '-n', namespace, '-f', '-'], await readFile(path.join(root, example), 'utf8')),
  );
  await progress.step('Waiting until the nodes are joined', () => untilConnected(cluster));
  return cluster;
}

async function untilConnected(cluster: Cluster): Promise<void> {
  try {
    const wait = [
      'wait',
      '-n',
      namespace,
      '--for=condition=Connected',
      `bitcoinnetwork/${networkName}`,
      `--timeout=${connectTimeoutSeconds}s`,
    ];
    await kubectl(cluster, wait);
  } catch (error) {
    say(await kubectl(cluster, ['get', 'pods,events', '-n', namespace]));
    say(await kubectl(cluster, ['logs', '-n', namespace, '-l', `app=${networkName}`, '--tail=5', '--prefix']).catch(String));
    throw error;
  }
}

async function show(cluster: Cluster): Promise<void> {
  const nodes = '{range .status.nodes[*]}{.ordinal}{"\\t"}{.ready}{"\\t"}{.ip}{"\\t"}{.nodeName}{"\\t"}{.dnsName}{"\\n"}{end}';
  const rows = await kubectl(cluster, ['get', '-n', namespace, `bitcoinnetwork/${networkName}`, '-o', `jsonpath=${nodes}`]);
  const table = [
    ['NODE', 'READY', 'IP', 'POD', 'DNS NAME'],
    ...rows
      .trim()
      .split('\n')
      .map(row => row.split('\t')),
  ];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map(row => (row[column] ?? '').length)));
  const lines = table.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
  process.stdout.write(
    `\n${lines.join('\n')}\n\n${await kubectl(cluster, ['describe', '-n', namespace, `bitcoinnetwork/${networkName}`])}\n`,
  );
}

function whatNext({ kubeconfig, context }: Cluster): string {
  const flag = context === undefined ? '' : ` --context ${context}`;
  return `What to try next, in another terminal:

  export KUBECONFIG=${kubeconfig}
  kubectl${flag} -n ${namespace} scale bitcoinnetwork/${networkName} --replicas 4
  kubectl${flag} -n ${namespace} get bitcoinnetworks --watch
  kubectl${flag} -n ${namespace} exec ${networkName}-sts-0 -- bitcoin-cli -regtest -conf=/bitcoin.conf getpeerinfo
  kubectl${flag} -n ${namespace} delete pod ${networkName}-sts-1
  kubectl${flag} -n ${namespace} describe bitcoinnetwork ${networkName}

`;
}

/** Each node lists each other one, connected, and the story is told. @throws Error naming what is missing */
async function check(cluster: Cluster): Promise<void> {
  for (const ordinal of [0, 1, 2]) {
    const pod = `${networkName}-sts-${ordinal}`;
    const cli = ['/usr/local/bin/bitcoin-cli', '-regtest', '-conf=/bitcoin.conf', 'getaddednodeinfo'];
    const added = JSON.parse(await kubectl(cluster, ['exec', '-n', namespace, pod, '--', ...cli])) as { connected: boolean }[];
    if (added.length !== 2 || !added.every(({ connected }) => connected))
      throw new Error(`${pod} is not joined with the other two: ${JSON.stringify(added)}`);
  }
  const story = await kubectl(cluster, ['describe', '-n', namespace, `bitcoinnetwork/${networkName}`]);
  for (const reason of ['ServiceCreated', 'StatefulSetCreated', 'NodeReady', 'PeersConnected'])
    if (!story.includes(reason)) throw new Error(`kubectl describe does not show the event ${reason}`);
  say('Checked: three nodes, each joined with the other two, and the events that tell it.');
}

async function main(options: Options): Promise<number> {
  const progress = new Progress();
  const undo: (() => Promise<void>)[] = [];
  const interrupted = new Promise<'interrupted'>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('interrupted'));
  });
  let code = 0;
  try {
    const cluster = await Promise.race([bringUp(options, progress, undo), interrupted]);
    if (cluster !== 'interrupted') {
      await show(cluster);
      if (options.check) await check(cluster);
      process.stdout.write(options.check ? '' : whatNext(cluster));
      if (!options.check && !options.keep) {
        say(`Up after ${progress.elapsed}. Ctrl-C takes everything down.`);
        const stay = setInterval(() => undefined, 1 << 30);
        await interrupted;
        clearInterval(stay);
      }
    }
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    code = 1;
  }
  if (!options.keep) for (const step of undo.reverse()) await step();
  return code;
}

const options = readOptions();
if (options === undefined) process.stdout.write(usage);
else process.exit(await main(options));
