// The calls to bitcoinds of an experiment: chains, marked blocks, and how deep a chain was replaced.
import type { ExperimentTip } from '../../bitcoin/api/bitcoin-experiment.ts';
import { reorgOf } from '../../bitcoin/chain/reorg.ts';
import {
  blockHashCall,
  blockHashOf,
  chainStateCall,
  chainStateOf,
  chainTipsCall,
  chainTipsOf,
} from '../../bitcoin/rpc/chain-state.ts';
import { activeCallsCall, generateCall, generatedOf, isGenerating } from '../../bitcoin/rpc/generate-blocks.ts';
import { batchWithEither } from '../../bitcoin/rpc/either-credentials.ts';
import { countMarkedCall, markedBlocksOf } from '../../bitcoin/rpc/marked-blocks.ts';
import type { Credentials, RpcCall } from '../../bitcoin/rpc/rpc-client.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { ConcurrencyLimit } from '../../runtime/concurrency-limit.ts';
import type { NodeChain } from './observed-chains.ts';

const lookTimeoutMs = 5_000;
const generateTimeoutMs = 6_000;
/** Between the check of the Lease and the call. */
const marginMs = 500;
const maxLooks = 100;

/** All but `chains` throw BitcoinRpcError and BitcoinTransportError, and the reason of the signal once it has aborted. */
export interface ExperimentCalls {
  /** The chains of the nodes that answer. */
  chains(nodes: readonly Node[], signal: AbortSignal): Promise<NodeChain[]>;
  /** How many blocks of a node's chain pay to a script. */
  countMarked(node: Node, script: string, signal: AbortSignal): Promise<number>;
  generate(node: Node, blocks: number, script: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Whether this process may make blocks for as long as `generate` may take. */
  mayGenerate(): boolean;
  /** How many blocks of the chain with this tip the node has replaced. Undefined if it does not know that chain. */
  replacedBlocks(node: Node, tip: ExperimentTip, signal: AbortSignal): Promise<number | undefined>;
}

export interface ExperimentCallsOptions {
  readonly credentials: Credentials;
  /** Of nodes that do not have the new ones yet. */
  readonly previous?: readonly Credentials[] | undefined;
  readonly rpcPort: number;
  /** For how long this process is the leader at least. */
  readonly leadsForMs: () => number;
}

export function experimentCalls({ credentials, previous, rpcPort, leadsForMs }: ExperimentCallsOptions): ExperimentCalls {
  const looks = new ConcurrencyLimit(maxLooks, lookTimeoutMs);
  const batch = ({ ip: host }: Node, calls: readonly RpcCall[], signal: AbortSignal, timeoutMs = lookTimeoutMs) =>
    batchWithEither({ host, port: rpcPort, credentials, previous }, calls, { timeoutMs, signal });
  const chainOf = async (node: Node, signal: AbortSignal): Promise<NodeChain[]> => {
    try {
      const [chain, active] = await looks.run(async () => batch(node, [chainStateCall, activeCallsCall], signal));
      return [{ ...chainStateOf(chain), ordinal: node.ordinal, isGenerating: isGenerating(active) }];
    } catch {
      signal.throwIfAborted();
      return [];
    }
  };
  return {
    mayGenerate: () => leadsForMs() > generateTimeoutMs + marginMs,
    chains: async (nodes, signal) => (await Promise.all(nodes.map(node => chainOf(node, signal)))).flat(),
    countMarked: async (node, script, signal) => {
      const [outcome] = await batch(node, [countMarkedCall(script)], signal);
      return markedBlocksOf(outcome);
    },
    generate: async (node, blocks, script, signal) => {
      const [outcome] = await batch(node, [generateCall(blocks, script)], signal, generateTimeoutMs);
      return generatedOf(outcome);
    },
    replacedBlocks: async (node, { height, hash }, signal) => {
      const [state, at, tips] = await batch(node, [chainStateCall, blockHashCall(height), chainTipsCall], signal);
      const chain = chainStateOf(state);
      if (height === 0 || blockHashOf(at) === hash) return 0;
      return reorgOf({ height, tip: hash }, chain, chainTipsOf(tips))?.depth;
    },
  };
}
