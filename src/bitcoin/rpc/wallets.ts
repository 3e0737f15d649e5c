// bitcoind's calls about wallets (its help section "wallet"), and what their answers must look like.
import type { RpcCall, RpcOutcome } from './rpc-client.ts';
import { type BitcoinRpcError, BitcoinTransportError } from './rpc-errors.ts';

/** -32601, CORE rpc/protocol.h: bitcoind was built without wallets, or has disablewallet=1. */
const methodNotFound = -32601;
/** -35: it is loaded already. -4 is any other failure of a wallet, also that it is being loaded. */
const [walletLoaded, walletError] = [-35, -4];

/** Whether the wallet is loaded, or will be: another call that was not answered is at work. */
export const isLoading = ({ code, message }: BitcoinRpcError): boolean =>
  code === walletLoaded || (code === walletError && /already (being )?load/i.test(message));

const unusable = (method: string) => new BitcoinTransportError('unusable', `the result of ${method} has an unexpected form`);

export const walletListCalls: readonly RpcCall[] = [{ method: 'listwallets' }, { method: 'listwalletdir' }];

export interface WalletLists {
  readonly loaded: ReadonlySet<string>;
  /** Those on disk. */
  readonly existing: ReadonlySet<string>;
}

/**
 * Reads the outcomes of `walletListCalls`.
 * @returns undefined if bitcoind has no wallets at all. @throws BitcoinRpcError, BitcoinTransportError
 */
export function walletListsOf([loaded, existing]: readonly (RpcOutcome | undefined)[]): WalletLists | undefined {
  for (const outcome of [loaded, existing])
    if (outcome !== undefined && 'error' in outcome) {
      if (outcome.error.code === methodNotFound) return undefined;
      throw outcome.error;
    }
  const names: unknown = loaded !== undefined && 'result' in loaded ? loaded.result : undefined;
  if (!isTexts(names)) throw unusable('listwallets');
  const { wallets } = ((existing !== undefined && 'result' in existing ? existing.result : undefined) ?? {}) as {
    readonly wallets?: unknown;
  };
  if (!Array.isArray(wallets)) throw unusable('listwalletdir');
  const found = wallets.map((entry: unknown) => (entry as { readonly name?: unknown } | null)?.name);
  if (!isTexts(found)) throw unusable('listwalletdir');
  return { loaded: new Set(names), existing: new Set(found) };
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(text => typeof text === 'string');

/** Loaded again at each start of bitcoind. The defaults of the other arguments differ between versions. */
export const createWalletCall = (name: string): RpcCall => ({
  method: 'createwallet',
  params: [name, null, null, null, null, null, true],
});

export const loadWalletCall = (name: string): RpcCall => ({ method: 'loadwallet', params: [name, true] });

/** Sent to the wallet. */
export const newAddressCall: RpcCall = { method: 'getnewaddress', params: ['initial blocks'] };

/** @throws BitcoinRpcError, BitcoinTransportError if it is no address */
export function addressOf(outcome: RpcOutcome | undefined): string {
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  const address: unknown = outcome?.result;
  if (typeof address !== 'string' || !/^[a-zA-Z0-9]{14,100}$/.test(address)) throw unusable('getnewaddress');
  return address;
}

/** The error of a call, if it is one of bitcoind's. */
export const rpcErrorOf = (outcome: RpcOutcome | undefined): BitcoinRpcError | undefined =>
  outcome !== undefined && 'error' in outcome ? outcome.error : undefined;
