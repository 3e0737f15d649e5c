// Whether a report has anything new for the status. Pure.
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';

export const isSameReport = (a: NodeReport, b: NodeReport | undefined): boolean => b !== undefined && textOf(a) === textOf(b);

/** What of a report the status shows. */
const textOf = ({
  isComplete,
  failure,
  hasPreviousCredentials = false,
  connections = [],
  outsidePeers = 0,
}: NodeReport): string =>
  JSON.stringify([
    isComplete,
    failure?.message,
    hasPreviousCredentials,
    connections.map(({ ordinal }) => ordinal).sort((a, b) => a - b),
    outsidePeers > 0,
  ]);

/** What of a node's chain the status shows. Of a node that gave no answer it stays. */
export const isSameChain = ({ chain, version, hashes }: NodeReport, before: NodeReport | undefined): boolean =>
  chain === undefined ||
  (chain.tip === before?.chain?.tip && hashes?.size === before.hashes?.size && (version ?? before.version) === before.version);
