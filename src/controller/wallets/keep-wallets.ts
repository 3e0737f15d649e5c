// Brings the wallets of one node to what the spec wants, a call at a time.
import {
  createWalletCall,
  isLoading,
  loadWalletCall,
  rpcErrorOf,
  walletListCalls,
  walletListsOf,
} from '../../bitcoin/rpc/wallets.ts';
import { type RpcCall, type RpcOutcome, rpcInWarmup } from '../../bitcoin/rpc/rpc-client.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import type { Result } from '../../runtime/controller.ts';

/** Sends calls to a node. @throws as RpcClient.batch */
export type WalletBatch = (calls: readonly RpcCall[], options: { readonly wallet?: string }) => Promise<readonly RpcOutcome[]>;

export type NodeWalletsState =
  | { readonly reason: 'WalletsLoaded' }
  | { readonly reason: 'LoadingWallets' | 'WalletsUnsupported' | 'WalletFailed'; readonly message: string };

export interface WalletsStep {
  readonly result: Result;
  readonly state: NodeWalletsState;
  /** The wallets that the node has, loaded or not. Undefined if it is not known. */
  readonly present?: ReadonlySet<string>;
}

export interface WantedWallets {
  /** The name of the node. */
  readonly node: string;
  readonly names: readonly string[];
  /** Whether the status says that the node has the wallet. A wallet that is gone is created again only once it does not. */
  readonly isRecorded: (name: string) => boolean;
}

const again: Result = { requeueAfterMs: 1 };
const later: Result = { requeue: 'rateLimited' };
const warmupMs = 100;
/** The informer has the status soon after it was written. */
const storedMs = 50;

/** @throws what is no failure of the node, such as the reason of a signal that has aborted */
export async function keepWallets(batch: WalletBatch, wanted: WantedWallets): Promise<WalletsStep> {
  try {
    return await keep(batch, wanted);
  } catch (error) {
    if (error instanceof BitcoinRpcError && error.code === rpcInWarmup)
      return { result: { requeueAfterMs: warmupMs }, state: loading(`${wanted.node} is starting`) };
    if (error instanceof BitcoinTransportError) return { result: later, state: loading(`${wanted.node}: ${error.message}`) };
    if (error instanceof BitcoinRpcError) return { result: later, state: failed(`${wanted.node}: ${error.message}`) };
    throw error;
  }
}

async function keep(batch: WalletBatch, { node, names, isRecorded }: WantedWallets): Promise<WalletsStep> {
  const lists = walletListsOf(await batch(walletListCalls, {}));
  if (lists === undefined) {
    const message = `${node}: its bitcoind has no wallets: it was built without them, or has disablewallet=1`;
    return { result: later, state: { reason: 'WalletsUnsupported', message }, present: new Set() };
  }
  const { loaded, existing } = lists;
  const present = new Set(names.filter(name => loaded.has(name) || existing.has(name)));
  const missing = names.filter(name => !loaded.has(name));
  const [first] = missing.filter(name => present.has(name) || !isRecorded(name));
  if (first === undefined) {
    const [lost] = missing;
    if (lost === undefined) return { result: {}, state: { reason: 'WalletsLoaded' }, present };
    return { result: { requeueAfterMs: storedMs }, state: loading(`${node} has lost wallet ${lost}`), present };
  }
  const [outcome] = await batch([present.has(first) ? loadWalletCall(first) : createWalletCall(first)], {});
  const error = rpcErrorOf(outcome);
  if (error !== undefined && !isLoading(error))
    return { result: later, state: failed(`${node}: wallet ${first}: ${error.message}`), present };
  return { result: error === undefined ? again : later, state: loading(`${node} is loading its wallets`), present };
}

const loading = (message: string): NodeWalletsState => ({ reason: 'LoadingWallets', message });
const failed = (message: string): NodeWalletsState => ({ reason: 'WalletFailed', message });
