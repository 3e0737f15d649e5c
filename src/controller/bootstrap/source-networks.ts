// SourceNetworks: the network that another one copies its blocks from: its nodes, and the credentials of its own Secret. These are sent to
//   its own pods only.
import type { BitcoinNetwork, BitcoinNetworkSpec } from '../../bitcoin/api/bitcoin-network.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import { isSuspended } from '../../bitcoin/resources/node-sets.ts';
import type { Credentials } from '../../bitcoin/rpc/rpc-client.ts';
import { isReachable, type Node } from '../../bitcoin/topology/peer-plan.ts';
import { ownedBy, type ReadableCaches } from '../caches.ts';
import { isBeingDeleted } from '../lifecycle.ts';
import { OwnPods } from '../nodes/own-pods.ts';
import { podsOf } from '../pod-cache.ts';
import { conditionIn } from '../status/condition.ts';
import { observeNodes } from '../status/pods.ts';
import type { NetworkCredentials } from '../steps/credentials.ts';
import type { CopyState } from './copy-state.ts';

export interface Source {
  /** The ready nodes, by ordinal. At least one. */
  readonly nodes: readonly Node[];
  readonly credentials: Credentials;
  readonly previous?: readonly Credentials[] | undefined;
  readonly rpcPort: number;
  /** The height that its chain has at least, once its first blocks are made. */
  readonly initialBlocks: number;
}

export interface SourceNetworksOptions {
  readonly caches: ReadableCaches;
  readonly credentials: Pick<NetworkCredentials, 'read'>;
}

export class SourceNetworks {
  readonly #options: SourceNetworksOptions;

  constructor(options: SourceNetworksOptions) {
    this.#options = options;
  }

  /**
   * The network of `spec.bootstrap`, or why its blocks cannot be copied now.
   * @throws ApiError if its Secret could not be read; the reason of `signal` once it has aborted
   */
  async find({ metadata: { namespace }, spec }: BitcoinNetwork, signal: AbortSignal): Promise<Source | CopyState> {
    const name = spec.bootstrap?.network.name ?? '';
    const notReady = (message: string): CopyState => ({ reason: 'SourceNotReady', message });
    const source = this.#options.caches.networks.get(`${namespace}/${name}`);
    if (source === undefined || isBeingDeleted(source))
      return { reason: 'SourceMissing', message: `there is no network ${name} in namespace ${namespace}` };
    if (source.unusableSpec !== undefined) return notReady(`network ${name}: ${source.unusableSpec.message}`);
    const difference = differenceOf(spec, source.spec);
    if (difference !== undefined) return { reason: 'SourceOfAnotherChain', message: `network ${name} has another ${difference}` };
    if (isSuspended(source)) return notReady(`network ${name} is suspended`);
    if (source.spec.bootstrap !== undefined && conditionIn(source.status, 'Bootstrapped')?.status !== 'True')
      return notReady(`network ${name} is itself waiting for the blocks of its spec.bootstrap`);
    const nodes = this.#readyNodesOf(source);
    if (nodes.length === 0) return notReady(`no node of network ${name} is ready`);
    const credentials = await this.#options.credentials.read(source, signal);
    if (!credentials.isAvailable) return notReady(`network ${name}: ${credentials.message}`);
    const { rpcPort } = chainParametersOf(source.spec);
    const initialBlocks = source.spec.blockProduction?.initialBlocks ?? 0;
    return { nodes, credentials: credentials.credentials, previous: credentials.previous, rpcPort, initialBlocks };
  }

  /** A pod that only has the name and the labels of a node is none. */
  #readyNodesOf(source: BitcoinNetwork): Node[] {
    const { caches } = this.#options;
    const own = new OwnPods(source.metadata.uid);
    for (const set of ownedBy(caches.statefulSets, source)) own.note(set.metadata?.name ?? '', set);
    const pods = own.of(source, podsOf(caches.pods, source));
    const nodes = observeNodes(source, pods, set => own.replicasOf(set));
    return nodes.filter(isReachable);
  }
}

/** The field that two networks must have in common so that one takes the blocks of the other. */
function differenceOf(one: BitcoinNetworkSpec, other: BitcoinNetworkSpec): string | undefined {
  if ((one.chain ?? 'regtest') !== (other.chain ?? 'regtest')) return 'chain';
  if (one.signet?.challenge !== other.signet?.challenge) return 'signet.challenge';
  return one.signet?.blockTimeSeconds === other.signet?.blockTimeSeconds ? undefined : 'signet.blockTimeSeconds';
}
