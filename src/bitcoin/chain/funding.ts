// Which wallet a block pays to, among the first that the controller makes. Pure.
import type { WalletSpec } from '../api/wallets.ts';
import type { SpecProblem } from '../topology/topology-plan.ts';
import { rangesOf } from '../topology/topology-problems.ts';

/** A wallet of a node. */
export interface NodeWallet {
  readonly name: string;
  readonly ordinal: number;
}

export interface Payment {
  /** Undefined if the network has none of the wallet's nodes: its blocks pay as without wallets. */
  readonly wallet: NodeWallet | undefined;
  /** The height of the last block that pays to it. */
  readonly lastHeight: number;
}

/**
 * @param first the height above which the controller makes blocks
 * @param ordinals the nodes that the network should have
 * @returns the payments in the order of their blocks
 */
export function paymentsOf(wallets: readonly WalletSpec[], first: number, ordinals: ReadonlySet<number>): Payment[] {
  let lastHeight = first;
  return wallets.flatMap(wallet => {
    const { name, blocks = 0 } = wallet;
    const ordinal = paidOrdinal(wallet, ordinals);
    lastHeight += blocks;
    return blocks === 0 ? [] : [{ wallet: ordinal === undefined ? undefined : { name, ordinal }, lastHeight }];
  });
}

/** The node whose wallet is paid: the first that exists. */
export const paidOrdinal = ({ ordinals: named = [0] }: WalletSpec, ordinals: ReadonlySet<number>): number | undefined =>
  named.find(ordinal => ordinals.has(ordinal));

/** The payment of the block of a height; undefined if it pays to no wallet. */
export const paymentAt = (payments: readonly Payment[], height: number): Payment | undefined =>
  payments.find(({ lastHeight }) => height <= lastHeight);

/** A problem for each wallet of a node which there is not. */
export function walletProblems(wallets: readonly WalletSpec[] | undefined, ordinals: readonly number[]): SpecProblem[] {
  if (wallets === undefined || ordinals.length === 0) return [];
  const nodes = rangesOf(ordinals.toSorted((a, b) => a - b));
  return wallets.flatMap(({ name, ordinals: named = [0] }) =>
    named
      .filter(ordinal => !ordinals.includes(ordinal))
      .map((ordinal): SpecProblem => ({
        reason: 'OrdinalUnknown',
        message: `wallets[${name}].ordinals: there is no node ${ordinal} (nodes: ${nodes})`,
      })),
  );
}
