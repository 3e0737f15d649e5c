// The two runs that the benchmark of scale compares. Each creates its objects through the same client, a few at a time, waits by a watch, and
// returns the seconds since the first create.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork, BitcoinNetworkNode } from '../src/bitcoin/api/bitcoin-network.ts';
import { apiVersion, kind } from '../src/bitcoin/api/bitcoin-network.ts';
import { headlessService } from '../src/bitcoin/resources/service.ts';
import { Informer } from '../src/runtime/informer.ts';
import { networks, pods, secrets, services, statefulSets } from '../src/controller/resource-types.ts';
import { passwordKey, userKey } from '../src/bitcoin/api/names.ts';
import type { Credentials } from '../src/bitcoin/rpc/rpc-client.ts';
import type { BlockProductionSpec } from '../src/bitcoin/api/block-production.ts';
import type { TopologySpec } from '../src/bitcoin/api/topology.ts';
import { planTopology } from '../src/bitcoin/topology/plan-topology.ts';
import { defaultCredentials } from '../src/controller/steps/credentials.ts';
import type { KubeClient, KubeObject, ResourceType } from '../src/kube/client.ts';
import type { SimulatedBitcoind } from '../test/support/fakes/simulated-bitcoind.ts';
import { RecordingLogger } from '../test/support/fakes/recording-logger.ts';
import { statefulSetOf } from '../test/support/builders.ts';

export interface Size {
  readonly networks: number;
  /** Of each network. */
  readonly nodes: number;
  /** Undefined: every node lists every other. */
  readonly topology?: TopologySpec;
  /** Undefined: there are no blocks. */
  readonly blockProduction?: BlockProductionSpec;
}

/** Which Secrets the networks name: one each, one for all, or none. */
export const secretUses = ['each', 'shared', 'none'] as const;
export type SecretUse = (typeof secretUses)[number];

type Detail = (text: string) => void;

/** How many creates are in flight at the same time. */
const concurrency = 10;
const namespaceType: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
const podOptions = { image: 'bitcoind', imagePullPolicy: 'IfNotPresent' };

function networksOf(
  namespace: string,
  { networks: count, nodes, topology, blockProduction }: Size,
  secret: SecretUse = 'none',
): BitcoinNetwork[] {
  return Array.from({ length: count }, (_, index) => ({
    apiVersion,
    kind,
    metadata: { namespace, name: `network-${index}`, uid: '' },
    spec: {
      nodes,
      ...(topology === undefined ? {} : { topology }),
      ...(blockProduction === undefined ? {} : { blockProduction }),
      ...(secret === 'none' ? {} : { secret: secret === 'shared' ? 'shared' : `secret-${index}` }),
    },
  }));
}

async function createSecrets(
  client: KubeClient,
  namespace: string,
  names: Iterable<string>,
  { user, password }: Credentials,
): Promise<void> {
  const stringData = { [userKey]: user, [passwordKey]: password };
  await inParallel([...names].map(name => () => client.create(secrets, { metadata: { namespace, name }, stringData })));
}

/** What the controller creates, without owner references: their owner would not exist. */
function withoutOwner<T extends KubeObject>(object: T): T {
  return { ...object, metadata: { ...object.metadata, ownerReferences: [] } };
}

/** Runs the tasks in order, a few at a time. */
async function inParallel(tasks: readonly (() => Promise<unknown>)[]): Promise<void> {
  const waiting = tasks.values();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (const task of waiting) await task();
    }),
  );
}

/** Resolves when `isDone` holds, which is evaluated after every change of the objects of one namespace. */
async function untilObjects<T extends KubeObject>(
  client: KubeClient,
  options: { readonly type: ResourceType<T>; readonly namespace: string; readonly transform?: (object: T) => T },
  isDone: (objects: () => readonly T[], changed: T | undefined) => boolean,
  whileSynced: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const informer = new Informer<T>({ client, logger: new RecordingLogger(), ...options });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  try {
    await informer.whenSynced();
    const done = new Promise<void>(resolve => {
      informer.changes.subscribe(({ object }) => {
        if (isDone(() => informer.list(), object)) resolve();
      });
    });
    await whileSynced();
    if (!isDone(() => informer.list(), undefined)) await done;
  } finally {
    stop.abort(new Error('done'));
    await running;
  }
}

const isReady = (pod: V1Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

/** Kubernetes alone: the same Services and StatefulSets, until their pods are Ready. */
export async function runBaseline(client: KubeClient, size: Size, detail: Detail): Promise<number> {
  const namespace = 'baseline';
  await client.create(namespaceType, { metadata: { name: namespace } });
  const creates = networksOf(namespace, size).flatMap(network => [
    () => client.create(services, withoutOwner(headlessService(network))),
    () => client.create(statefulSets, withoutOwner(statefulSetOf(network, undefined, podOptions))),
  ]);
  const ready = new Set<string>();
  const wanted = size.networks * size.nodes;
  let startedMs = 0;
  await untilObjects(
    client,
    { type: pods, namespace },
    (_, pod) => {
      if (pod !== undefined && isReady(pod)) ready.add(pod.metadata?.name ?? '');
      return ready.size === wanted;
    },
    async () => {
      startedMs = performance.now();
      await inParallel(creates);
    },
  );
  const seconds = (performance.now() - startedMs) / 1000;
  detail(`${wanted} pods ready after ${seconds.toFixed(1)} s`);
  return seconds;
}

/** The controller: networks, until each status reports all nodes as ready and each node lists all others. */
export async function runNetworks(
  client: KubeClient,
  bitcoind: SimulatedBitcoind,
  size: Size,
  detail: Detail,
  options: { readonly namespace?: string; readonly secret?: SecretUse; readonly credentials?: Credentials } = {},
): Promise<number> {
  const { namespace = 'scale', secret = 'none', credentials = defaultCredentials } = options;
  await client.create(namespaceType, { metadata: { name: namespace } });
  const wanted = networksOf(namespace, size, secret);
  await createSecrets(client, namespace, new Set(wanted.flatMap(({ spec }) => spec.secret ?? [])), credentials);
  const creates = wanted.map(network => () => client.create(networks, network));
  const complete = new Set<string>();
  let startedMs = 0;
  await untilObjects(
    client,
    { type: networks, namespace },
    (_, network) => {
      if (network !== undefined && isComplete(network, bitcoind)) complete.add(network.metadata.name);
      return complete.size === size.networks;
    },
    async () => {
      startedMs = performance.now();
      await inParallel(creates);
    },
  );
  const seconds = (performance.now() - startedMs) / 1000;
  detail(`${complete.size} networks complete after ${seconds.toFixed(1)} s`);
  return seconds;
}

function isComplete({ metadata, spec, status }: BitcoinNetwork, bitcoind: SimulatedBitcoind): boolean {
  const nodes = status?.nodes ?? [];
  const isSaid =
    status?.observedGeneration === metadata.generation &&
    status?.readyNodes === spec.nodes &&
    nodes.length === spec.nodes &&
    status.conditions?.every(condition => condition.status === 'True') === true;
  if (!isSaid) return false;
  if (spec.topology !== undefined) return hasPlannedEdges(spec.topology, nodes, bitcoind);
  const ips = nodes.map(({ ip }) => ip);
  return ips.every(ip => {
    const { added } = bitcoind.node(ip);
    return added.size === ips.length - 1 && ips.every(other => other === ip || added.has(other));
  });
}

/** Whether exactly the planned connections exist, each opened by its dialler. */
function hasPlannedEdges(topology: TopologySpec, nodes: readonly BitcoinNetworkNode[], bitcoind: SimulatedBitcoind): boolean {
  const { edges } = planTopology(topology, nodes);
  const ips = new Map(nodes.map(({ ordinal, ip }) => [ordinal, ip]));
  const dialled = nodes.reduce((sum, { ip }) => sum + bitcoind.node(ip).connected.size, 0);
  const isDialled = (from: string, to: string) => bitcoind.node(from).connected.has(to);
  return dialled === edges.length && edges.every(({ from, to }) => isDialled(ips.get(from) ?? '', ips.get(to) ?? ''));
}
