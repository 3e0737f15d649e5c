// ChainLoss: whether the chain that a network had is gone, as when a drain takes its last node without a volume. The former height is in the
//   status, so that a controller that was away meanwhile finds it as well.
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { isPublicChain } from '../bitcoin/resources/chain-parameters.ts';
import { nodeSetsOf } from '../bitcoin/resources/node-sets.ts';
import type { NodeReport } from '../bitcoin/topology/connect-node.ts';
import type { ObservedPod } from './pod-cache.ts';
import { isReady } from './status/pods.ts';

/** 'possible': nodes that may have the chain have yet to report it. */
export type LossVerdict = 'none' | 'possible' | 'lost';

export interface LossObserved {
  readonly verdict: LossVerdict;
  /** The nodes that should be asked now, by name. */
  readonly asks: readonly string[];
}

const nothing: LossObserved = { verdict: 'none', asks: [] };

export class ChainLoss {
  readonly #nowMs: () => number;
  /** By uid: whether a pod may have blocks although it does not report them. Undefined before the first call. */
  #mayHold: Map<string, boolean> | undefined;
  /** Since when no node reports the height of the status. */
  #belowSinceMs: number | undefined;

  /** @param nowMs monotonic milliseconds. Default: performance.now */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Call with the network's own pods and the reports of each reconcile. */
  observe(network: BitcoinNetwork, pods: readonly ObservedPod[], reports: readonly NodeReport[]): LossObserved {
    this.#notePods(pods, reports);
    const height = network.status?.chain?.height ?? 0;
    const heights = reports.flatMap(({ chain }) => chain?.height ?? []);
    const isBelow = height > 0 && heights.length > 0 && Math.max(...heights) < height;
    if (!isBelow || isPublicChain(network.spec) || isShortened(network, reports, height)) {
      this.#belowSinceMs = undefined;
      return nothing;
    }
    const sinceMs = (this.#belowSinceMs ??= this.#nowMs());
    const asks = reports.filter(({ askedAtMs = 0 }) => askedAtMs < sinceMs).map(({ node }) => node.name);
    if (asks.length > 0 || this.#maySomeHold(network, pods, reports)) return { verdict: 'possible', asks };
    return { verdict: 'lost', asks };
  }

  /** Whether a pod, by its uid, was created in this process's time or has never run, and has reported no block. */
  isEmpty(uid: string): boolean {
    return this.#mayHold?.get(uid) === false;
  }

  /** Call when the network is not observed for a time: of the pods that are there afterwards it is not known what they have. */
  lapse(): void {
    this.#mayHold = undefined;
  }

  /** A new pod without a volume has no blocks until it reports some. Of those that are there before and have run, it is not known. */
  #notePods(pods: readonly ObservedPod[], reports: readonly NodeReport[]): void {
    const before = this.#mayHold;
    const reporting = new Set(
      reports.flatMap(({ node, chain }) => ((chain?.height ?? 0) > 0 ? [`${node.name} ${node.ip}`] : [])),
    );
    const mayHold = ({ metadata, status, neverRan }: ObservedPod): boolean =>
      (before === undefined ? neverRan !== true : before.get(metadata?.uid ?? '') === true) ||
      reporting.has(`${metadata?.name} ${status?.podIP}`);
    this.#mayHold = new Map(pods.map(pod => [pod.metadata?.uid ?? '', mayHold(pod)]));
  }

  /** Whether a node that has not reported a chain may have one. */
  #maySomeHold(network: BitcoinNetwork, pods: readonly ObservedPod[], reports: readonly NodeReport[]): boolean {
    const reported = new Set(reports.flatMap(({ node, chain }) => (chain === undefined ? [] : [`${node.name} ${node.ip}`])));
    const byName = new Map(pods.map(pod => [pod.metadata?.name ?? '', pod]));
    return nodeSetsOf(network).some(({ name, start, nodes, settings: { storage } }) =>
      Array.from({ length: nodes }, (_, index) => `${name}-${start + index}`).some(node => {
        const pod = byName.get(node);
        if (pod !== undefined && isReady(pod)) return !reported.has(`${node} ${pod.status?.podIP}`);
        return storage !== undefined || this.#mayHold?.get(pod?.metadata?.uid ?? '') === true;
      }),
    );
  }
}

/**
 * Whether a node that had the chain still runs and knows its former tip: then a reorganisation or a call made it shorter. A container that
 * was restarted in its pod has lost what was not on a disk, although the pod, its address and its readiness are as before.
 */
const isShortened = ({ status }: BitcoinNetwork, reports: readonly NodeReport[], height: number): boolean =>
  status?.nodes?.some(
    before =>
      before.ready &&
      (before.height ?? 0) >= height &&
      reports.some(
        ({ node, chain, knowsFormer }) =>
          chain !== undefined && knowsFormer !== false && node.name === before.nodeName && node.ip === before.ip,
      ),
  ) ?? false;
