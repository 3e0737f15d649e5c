// The checks of `npm start -- --check`: the example network as Kubernetes and each bitcoind report it.
import { networkName, networkNamespace } from './installation.ts';
import type { TargetCluster } from './target-cluster.ts';

const expectedNodes = 3;
/** The events that must exist, written in any order. */
const expectedReasons = ['ServiceCreated', 'StatefulSetCreated', 'NodeReady', 'PeersConnected'];

/** @throws Error that names the first check that failed */
export async function checkNetwork(cluster: TargetCluster): Promise<void> {
  const ask = (...args: string[]): Promise<string> => cluster.kubectl([...args, '--namespace', networkNamespace]);
  const network = JSON.parse(await ask('get', 'bitcoinnetwork', networkName, '--output=json')) as {
    status: { nodes: { nodeName: string; ready: boolean }[] };
  };
  const ready = network.status.nodes.filter(node => node.ready).map(({ nodeName }) => nodeName);
  if (ready.length !== expectedNodes) throw new Error(`${ready.length} nodes are ready instead of ${expectedNodes}`);
  for (const node of ready) {
    const answer = await cluster.kubectl([
      'exec',
      '--namespace',
      networkNamespace,
      node,
      '--',
      '/usr/local/bin/bitcoin-cli',
      '-regtest',
      '-conf=/bitcoin.conf',
      'getaddednodeinfo',
    ]);
    const added = JSON.parse(answer) as { addednode: string; connected: boolean }[];
    if (added.length !== expectedNodes - 1 || !added.every(({ connected }) => connected)) {
      throw new Error(`${node} should be connected to ${expectedNodes - 1} others, and reports: ${answer}`);
    }
  }
  const selector = `involvedObject.kind=BitcoinNetwork,involvedObject.name=${networkName}`;
  const { items } = JSON.parse(await ask('get', 'events', '--field-selector', selector, '--output=json')) as {
    items: { type: string; reason: string; message: string }[];
  };
  const missing = expectedReasons.filter(reason => !items.some(event => event.reason === reason));
  if (missing.length > 0) throw new Error(`Events are missing: ${missing.join(', ')}`);
  const warning = items.find(({ type }) => type === 'Warning');
  if (warning !== undefined) throw new Error(`Unexpected warning: ${warning.reason}: ${warning.message}`);
}
