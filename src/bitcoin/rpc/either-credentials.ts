// Calls to a node that may still have previous credentials, as long as it is not restarted for the new ones.
import { type Credentials, type RpcCall, RpcClient, type RpcOptions, type RpcOutcome } from './rpc-client.ts';
import { BitcoinTransportError } from './rpc-errors.ts';

export interface NodeAccess {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
  /** Tried in this order if the node refuses the others. Default: none. */
  readonly previous?: readonly Credentials[] | undefined;
  /** The wallet that the calls are about. Default: none. */
  readonly wallet?: string | undefined;
}

/** As RpcClient.batch, with one time limit for all tries. A node that refuses credentials has done nothing, so that the calls are sent again. */
export async function batchWithEither(
  { previous = [], ...access }: NodeAccess,
  calls: readonly RpcCall[],
  { timeoutMs, ...options }: RpcOptions,
): Promise<RpcOutcome[]> {
  const endsAtMs = performance.now() + timeoutMs;
  let refusal: unknown;
  for (const credentials of [access.credentials, ...previous]) {
    const leftMs = Math.max(1, Math.ceil(endsAtMs - performance.now()));
    try {
      return await new RpcClient({ ...access, credentials }).batch(calls, { ...options, timeoutMs: leftMs });
    } catch (error) {
      if (!(error instanceof BitcoinTransportError)) throw error;
      // Always the same text: it is shown in conditions. An answer that is not complete in time has a text of its own.
      if (error.failure === 'timeout' && performance.now() >= endsAtMs - 1)
        throw new BitcoinTransportError('timeout', `no answer within ${timeoutMs} ms`, error);
      if (error.failure !== 'unauthorized') throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}
