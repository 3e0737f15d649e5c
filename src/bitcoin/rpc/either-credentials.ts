// Calls to a node that may still have the previous credentials, as long as it is not restarted for the new ones.
import { type Credentials, type RpcCall, RpcClient, type RpcOptions, type RpcOutcome } from './rpc-client.ts';
import { BitcoinTransportError } from './rpc-errors.ts';

export interface NodeAccess {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
  /** Tried if the node refuses the others. Default: none. */
  readonly previous?: Credentials | undefined;
  /** The wallet that the calls are about. Default: none. */
  readonly wallet?: string | undefined;
}

/** As RpcClient.batch. A node that refuses credentials has done nothing, so that the calls are sent again. */
export async function batchWithEither(
  { previous, ...access }: NodeAccess,
  calls: readonly RpcCall[],
  options: RpcOptions,
): Promise<RpcOutcome[]> {
  try {
    return await new RpcClient(access).batch(calls, options);
  } catch (error) {
    const isRefused = error instanceof BitcoinTransportError && error.failure === 'unauthorized';
    if (!isRefused || previous === undefined) throw error;
    return await new RpcClient({ ...access, credentials: previous }).batch(calls, options);
  }
}
