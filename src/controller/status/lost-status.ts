// LostStatus: what was written as a network's status where the CustomResourceDefinition keeps less of it, or nothing: an older one
// without the status subresource, or one that prunes fields. It counts as written, so that nothing is written or recorded again at each look.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { keyOf } from '../../kube/resource.ts';
import type { Logger } from '../../logging/logger.ts';
import { differencesOf } from '../../runtime/admitted-fields.ts';
import { isSameStatus } from './status.ts';

/** After this the status is written again: the definition may have been fixed. */
const retryMs = 60_000;

/** More names than this make a message hard to read. */
const maxNames = 5;

interface Row {
  readonly uid: string;
  readonly sent: BitcoinNetworkStatus;
  readonly answered: BitcoinNetworkStatus | undefined;
  readonly atMs: number;
}

export class LostStatus {
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  /** By network key. */
  readonly #rows = new Map<string, Row>();
  #fault: string | undefined;

  /** @param nowMs monotonic milliseconds; default: performance.now */
  constructor(logger: Logger, nowMs: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  /** What is wrong with the definition, for /readyz; undefined while it keeps every status. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** The status that was written last: what the network has, or what was sent if the definition kept less than that. */
  previousOf(network: BitcoinNetwork): BitcoinNetworkStatus | undefined {
    const row = this.#rowOf(network);
    if (row === undefined) return network.status;
    // Another writer has changed it since, or the definition has been fixed.
    return isSameStatus(row.answered, network.status ?? {}) ? row.sent : network.status;
  }

  /** Whether a status that has not changed is to be written nevertheless, to see whether it is kept by now. */
  isRetryDue(network: BitcoinNetwork): boolean {
    const row = this.#rowOf(network);
    return row !== undefined && this.#nowMs() - row.atMs >= retryMs;
  }

  /** After how many milliseconds isRetryDue is true; undefined if nothing was lost. */
  retryMs(network: BitcoinNetwork): number | undefined {
    const row = this.#rowOf(network);
    return row === undefined ? undefined : Math.max(1_000, row.atMs + retryMs - this.#nowMs());
  }

  /**
   * Call with what was sent and what the API server answered.
   * @returns what to report about this network, the first time
   */
  noteAnswer(
    network: BitcoinNetwork,
    sent: BitcoinNetworkStatus,
    answered: BitcoinNetworkStatus | undefined,
  ): string | undefined {
    const fields = lostFields(sent, answered);
    if (fields.length === 0) {
      this.#rows.delete(keyOf(network));
      this.#clear();
      return undefined;
    }
    return this.#lose(network, sent, answered, `The CustomResourceDefinition does not keep ${fields.join(', ')}`);
  }

  /** Call if the API server has no such subresource. @returns as noteAnswer */
  noteNotServed(network: BitcoinNetwork, sent: BitcoinNetworkStatus): string | undefined {
    return this.#lose(network, sent, network.status, 'The CustomResourceDefinition has no status subresource');
  }

  /** Call with the key of a network that is gone. */
  forget(key: string): void {
    this.#rows.delete(key);
    if (this.#rows.size === 0) this.#clear();
  }

  #lose(
    network: BitcoinNetwork,
    sent: BitcoinNetworkStatus,
    answered: BitcoinNetworkStatus | undefined,
    what: string,
  ): string | undefined {
    const isFirst = this.#rowOf(network) === undefined;
    this.#rows.set(keyOf(network), { uid: network.metadata.uid, sent, answered, atMs: this.#nowMs() });
    const fault = `${what}: apply the definition of the version of the controller`;
    if (this.#fault !== fault) this.#logger.error('The definition does not keep the status of networks', { cause: fault });
    this.#fault = fault;
    return isFirst ? fault : undefined;
  }

  #rowOf({ metadata }: BitcoinNetwork): Row | undefined {
    const row = this.#rows.get(keyOf({ metadata }));
    return row?.uid === metadata.uid ? row : undefined;
  }

  #clear(): void {
    if (this.#fault !== undefined) this.#logger.info('The definition keeps the status of networks again');
    this.#fault = undefined;
  }
}

/** The fields of a status that the answer lacks, as `status.NAME`. */
function lostFields(sent: BitcoinNetworkStatus, answered: BitcoinNetworkStatus | undefined): string[] {
  const names = differencesOf(sent, answered ?? {}).flatMap(({ path: [name] }) => (typeof name === 'string' ? [name] : []));
  return [...new Set(names)].slice(0, maxNames).map(name => `status.${name}`);
}
