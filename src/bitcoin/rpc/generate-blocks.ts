// bitcoind's calls that make blocks (its help section "generating"), and what shows that one is still at work.
import type { RpcCall, RpcOutcome } from './rpc-client.ts';
import { BitcoinTransportError } from './rpc-errors.ts';

const method = 'generatetodescriptor';

/**
 * A script of each node that anybody can spend: OP_PUSHBYTES_2 ordinal OP_DROP OP_TRUE. With one script for all, nodes that make a block on
 * the same tip in the same second make the identical block.
 */
export function ownScript(ordinal: number): string {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(ordinal);
  return `raw(02${bytes.toString('hex')}7551)`;
}

/** Enough for the least difficulty of a signet of one's own. bitcoind answers with fewer blocks when it has used them up. */
const maxTries = 2 ** 31 - 1;

export const generateCall = (blocks: number, descriptor: string): RpcCall => ({ method, params: [blocks, descriptor, maxTries] });

/** The hashes of the blocks. @throws BitcoinRpcError if bitcoind refused, BitcoinTransportError if the answer has another form */
export function generatedOf(outcome: RpcOutcome | undefined): string[] {
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  const hashes: unknown = outcome?.result;
  if (!Array.isArray(hashes) || !hashes.every(hash => typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash)))
    throw new BitcoinTransportError('unusable', `the result of ${method} has an unexpected form`);
  return hashes as string[];
}

/** The calls that a node is working on, also those whose client has gone. */
export const activeCallsCall: RpcCall = { method: 'getrpcinfo' };

/** Whether the node is making a block. False if it does not say. */
export function isGenerating(outcome: RpcOutcome | undefined): boolean {
  const result = outcome !== undefined && 'result' in outcome ? outcome.result : undefined;
  const { active_commands: active } = (result ?? {}) as { readonly active_commands?: unknown };
  return (
    Array.isArray(active) && active.some((call: unknown) => (call as { readonly method?: unknown } | null)?.method === method)
  );
}
