// LostStatus: what was written as a network's status where the CustomResourceDefinition keeps less of it, or nothing: an older one
// without the status subresource, or one that prunes fields. It counts as written, so that nothing is written or recorded again at each look.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { keyOf } from '../../kube/resource.ts';
import type { Logger } from '../../logging/logger.ts';
import { differencesOf } from '../../runtime/admitted-fields.ts';

/** After this the status is written again: the definition may have been mended. */
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
    // Somebody else has written it since, or the definition has been mended.
    return isEqual(row.answered, network.status) ? row.sent : network.status;
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
   * Call with what was sent and what the API server answered; undefined if it has no such subresource.
   * @returns what to report about this network, the first time
   */
  note(
    network: BitcoinNetwork,
    sent: BitcoinNetworkStatus,
    answered: BitcoinNetworkStatus | undefined,
    isServed = true,
  ): string | undefined {
    const key = keyOf(network);
    const message = isServed ? messageOfPruned(sent, answered) : 'The CustomResourceDefinition has no status subresource';
    if (message === undefined) {
      this.#rows.delete(key);
      this.#clear();
      return undefined;
    }
    const isFirst = this.#rowOf(network) === undefined;
    this.#rows.set(key, { uid: network.metadata.uid, sent, answered, atMs: this.#nowMs() });
    const text = `${message}. Install the definition of this version of the chart`;
    if (this.#fault !== text) this.#logger.error('The definition does not keep the status of networks', { cause: text });
    this.#fault = text;
    return isFirst ? text : undefined;
  }

  /** Call with the key of a network that is gone. */
  forget(key: string): void {
    this.#rows.delete(key);
    if (this.#rows.size === 0) this.#clear();
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

function messageOfPruned(sent: BitcoinNetworkStatus, answered: BitcoinNetworkStatus | undefined): string | undefined {
  const lost = new Set(
    differencesOf(sent, answered ?? {})
      .map(({ path }) => path.find(part => typeof part === 'string'))
      .filter(name => name !== undefined),
  );
  if (lost.size === 0) return undefined;
  return `The CustomResourceDefinition does not keep ${[...lost]
    .slice(0, maxNames)
    .map(name => `status.${name}`)
    .join(', ')}`;
}

/** As JSON: keys come in the API server's order in both. */
const isEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
