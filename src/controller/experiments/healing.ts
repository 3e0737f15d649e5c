// Healing: whether the network of an experiment that ends is whole again.
import type { BitcoinExperiment } from '../../bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { keyOf } from '../../kube/resource.ts';
import { isPaused } from '../lifecycle.ts';
import type { NodeMonitor, ObservedNetwork } from '../nodes/node-monitor.ts';
import type { ExperimentsOfNetworks } from './experiments-of-networks.ts';
import { areComplete } from './stage-work.ts';

/** bitcoind lists a connection for a moment after it was asked to close it. */
const closingMs = 200;
/** A network that cannot be healed, as one whose nodes do not answer, does not keep its experiment: it is healed when they answer. */
const longestMs = 60_000;

export interface HealingOptions {
  readonly ofNetworks: Pick<ExperimentsOfNetworks, 'isMet'>;
  readonly monitor: Pick<NodeMonitor, 'stateOf' | 'askNow'>;
}

/** Since when a network is connected, and when its nodes were asked again; monotonic milliseconds. */
interface Confirmation {
  readonly sinceMs: number;
  askedMs?: number;
}

export class Healing {
  readonly #options: HealingOptions;
  /** By the uid of the experiment. */
  readonly #confirmations = new Map<string, Confirmation>();

  constructor(options: HealingOptions) {
    this.#options = options;
  }

  /**
   * Call it again after a moment until it is true. It is also true if there is nothing that could be healed now.
   * @param forMs for how long the experiment has been ending
   */
  isOver({ metadata: { uid } }: BitcoinExperiment, network: BitcoinNetwork | undefined, forMs: number): boolean {
    const { monitor, ofNetworks } = this.#options;
    if (network === undefined || network.metadata.deletionTimestamp !== undefined || isPaused(network)) return true;
    if (forMs >= longestMs) return true;
    const observed = monitor.stateOf(keyOf(network));
    return observed !== undefined && ofNetworks.isMet(network) && areComplete(observed) && this.#isConfirmed(uid, observed);
  }

  /** Call with the uid of an experiment that is gone. */
  forget(uid: string): void {
    this.#confirmations.delete(uid);
  }

  /**
   * A node may have reported its connections before another one, which cut the network at the same time, closed them. Once all have
   * reported, none is cutting any more: what they report from then on is so.
   */
  #isConfirmed(uid: string, { network, nodes, reports }: ObservedNetwork): boolean {
    const nowMs = performance.now();
    const confirmation: Confirmation = this.#confirmations.get(uid) ?? { sinceMs: nowMs };
    this.#confirmations.set(uid, confirmation);
    if (nowMs - confirmation.sinceMs < closingMs) return false;
    const { askedMs } = confirmation;
    if (askedMs === undefined) {
      confirmation.askedMs = nowMs;
      const names = nodes.map(({ name }) => name);
      this.#options.monitor.askNow(keyOf(network), names);
      return false;
    }
    const isConfirmed = reports.every(({ askedAtMs = 0 }) => askedAtMs >= askedMs);
    if (isConfirmed) this.forget(uid);
    return isConfirmed;
  }
}
