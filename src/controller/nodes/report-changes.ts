// What of a report is new for the status, and what of the former ones still counts. Pure.
import { definedOnly } from '../../collections/defined-only.ts';
import type { NodeReorg } from '../../bitcoin/chain/reorg.ts';
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

/**
 * What of the last report still counts. A node that fails still has its chain. The version is not asked for at each look, and the former tip
 * only when it is not in the chain any more.
 */
export function withFormer(report: NodeReport, before: NodeReport | undefined): NodeReport {
  const { chain, hashes } = report.chain === undefined ? (before ?? {}) : report;
  const { version = before?.version, knowsFormer = before?.knowsFormer } = report;
  return { ...report, ...definedOnly({ chain, hashes, version, knowsFormer }) };
}

/** With that of a report, if it has one: the newest `most` of them, in the order of the reports. */
export const withReorg = (reorgs: readonly NodeReorg[], { node, reorg }: NodeReport, most: number): readonly NodeReorg[] =>
  reorg === undefined ? reorgs : [...reorgs, { nodeName: node.name, ordinal: node.ordinal, reorg }].slice(-most);
