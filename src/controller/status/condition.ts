// One condition of a network: what it says, and how it is read from a status. Pure.
import type { BitcoinNetworkCondition, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';

/** What a condition says. Without a generation it is based on the present one. */
export type ConditionState = Pick<BitcoinNetworkCondition, 'status' | 'reason' | 'message' | 'observedGeneration'>;
/** By type. */
export type ConditionStates = Readonly<Record<string, ConditionState>>;

export const conditionIn = (status: BitcoinNetworkStatus | undefined, type: string): BitcoinNetworkCondition | undefined =>
  status?.conditions?.find(condition => condition.type === type);

/** What the condition says, of the present generation. */
export const sameState = ({ status, reason, message }: BitcoinNetworkCondition): ConditionState => ({ status, reason, message });

/** The condition that a network keeps once it has it. */
export const hadCondition = (previous: BitcoinNetworkStatus | undefined, type: string): boolean =>
  conditionIn(previous, type) !== undefined;
