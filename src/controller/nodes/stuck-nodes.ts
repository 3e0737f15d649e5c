// StuckNodes: gives headers to nodes that lack blocks and get none, one node of a network at a time, and few of the process: their source answers
//   others as well.
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import { BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import { type SubmitRequest, submitHeaders } from '../../bitcoin/rpc/submit-headers.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { WatchedNetwork, WatchedNode } from './watched-network.ts';
import { answering } from './watched-sides.ts';

/** See submitHeaders. */
export type SubmitHeaders = (request: SubmitRequest, signal: AbortSignal) => Promise<number>;

const maxHelped = 4;

export class StuckNodes {
  readonly #submit: SubmitHeaders;
  /** The networks of which a node is helped. */
  readonly #helped = new Set<WatchedNetwork>();

  /** @param submit default: submitHeaders */
  constructor(submit: SubmitHeaders = submitHeaders) {
    this.#submit = submit;
  }

  /** Call after each look. That it cannot help is no failure: it is tried again. @throws the reason of `signal` once it has aborted */
  async help(node: WatchedNode, { chain }: NodeReport, signal: AbortSignal): Promise<void> {
    const { network } = node;
    if (chain === undefined || !node.mayBeHelped || this.#helped.size >= maxHelped || this.#helped.has(network)) return;
    const source = sourceFor(node);
    if (source?.chain === undefined) return;
    node.noteHelp();
    const { credentials, previousCredentials: previous } = network;
    const port = chainParametersOf(network.network.spec).rpcPort;
    const access = ({ node: { ip: host } }: WatchedNode) => ({ host, port, credentials, previous });
    const chains = { sourceHeight: source.chain.height, chain, nowMs: Date.now() };
    this.#helped.add(network);
    try {
      await this.#submit({ source: access(source), target: access(node), ...chains }, signal);
    } catch (error) {
      if (!(error instanceof BitcoinTransportError)) throw error;
    } finally {
      this.#helped.delete(network);
    }
  }
}

/** A node of the same side that has the blocks. */
function sourceFor({ network, side }: WatchedNode): WatchedNode | undefined {
  const height = network.heightOf(side);
  return answering(network.nodes.values()).find(other => other.side === side && (other.chain?.height ?? 0) >= height);
}
