// The calls to bitcoinds that make blocks: their time limits, and how long the Lease must last for them.
import { generateCall, generatedOf, activeCallsCall, isGenerating, ownScript } from '../../bitcoin/rpc/generate-blocks.ts';
import { chainStateCall, chainStateOf } from '../../bitcoin/rpc/chain-state.ts';
import { batchWithEither } from '../../bitcoin/rpc/either-credentials.ts';
import type { Credentials, RpcCall, RpcOptions } from '../../bitcoin/rpc/rpc-client.ts';
import type { ProducerCalls } from './production-side.ts';

const lookTimeoutMs = 5_000;
/**
 * On regtest a hundred blocks take some ten milliseconds. A signet's takes seconds; what takes longer is waited for afterwards. The shorter it is,
 * the later a renewal of the Lease may be without a delay of blocks.
 */
const [generateTimeoutMs, workTimeoutMs] = [3_000, 6_000];
/** Between the check of the Lease and the call. */
const marginMs = 500;

export interface ProducerCallsOptions {
  readonly credentials: Credentials;
  /** Of nodes that do not have the new ones yet. */
  readonly previous?: readonly Credentials[] | undefined;
  readonly rpcPort: number;
  /** Whether a block takes real work, as on a signet. */
  readonly needsWork: boolean;
  /** The output descriptor of the rewards. Default: the own script of each node. */
  readonly payTo?: string | undefined;
  /** For how long this process is the leader at least. */
  readonly leadsForMs: () => number;
}

export function producerCalls(options: ProducerCallsOptions): ProducerCalls {
  const { credentials, previous, rpcPort, payTo, leadsForMs, needsWork } = options;
  const timeoutMs = needsWork ? workTimeoutMs : generateTimeoutMs;
  const batch = (host: string, calls: readonly RpcCall[], limits: RpcOptions) =>
    batchWithEither({ host, port: rpcPort, credentials, previous }, calls, limits);
  return {
    mayGenerate: () => leadsForMs() > timeoutMs + marginMs,
    look: async ({ ip }, signal) => {
      const [chain, active] = await batch(ip, [chainStateCall, activeCallsCall], { timeoutMs: lookTimeoutMs, signal });
      return { chain: chainStateOf(chain), isGenerating: isGenerating(active) };
    },
    generate: async ({ ip, ordinal }, blocks, signal, descriptor = payTo ?? ownScript(ordinal)) => {
      const call = generateCall(blocks, descriptor);
      const [outcome] = await batch(ip, [call], { timeoutMs, signal });
      return generatedOf(outcome);
    },
  };
}
