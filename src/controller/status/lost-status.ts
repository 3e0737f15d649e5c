// LostStatus: what was written as a network's status where the CustomResourceDefinition keeps less of it, or nothing: an older one
// without the status subresource, or one that prunes fields. It counts as written, so that no reconcile writes or reports it again.
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
  /** The fields that were lost; none if there is no status subresource. */
  readonly fields: readonly Field[];
  readonly atMs: number;
}

type Field = keyof BitcoinNetworkStatus;

interface Fault {
  readonly text: string;
  readonly fields: readonly Field[];
}

export class LostStatus {
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  /** By network key. */
  readonly #rows = new Map<string, Row>();
  #fault: Fault | undefined;

  /** @param nowMs monotonic milliseconds; default: performance.now */
  constructor(logger: Logger, nowMs: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  /** What is wrong with the definition, for /readyz; undefined while it keeps every status. */
  get fault(): string | undefined {
    return this.#fault?.text;
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
      this.#keep(network, sent, answered);
      return undefined;
    }
    const names = fields.slice(0, maxNames).map(name => `status.${name}`);
    return this.#lose(network, { sent, answered, fields }, `The CustomResourceDefinition does not keep ${names.join(', ')}`);
  }

  /** Call if the API server has no such subresource. @returns as noteAnswer */
  noteNotServed(network: BitcoinNetwork, sent: BitcoinNetworkStatus): string | undefined {
    const lost = { sent, answered: network.status, fields: [] };
    return this.#lose(network, lost, 'The CustomResourceDefinition has no status subresource');
  }

  /** Call with the key of a network that is gone. */
  forget(key: string): void {
    this.#rows.delete(key);
    if (this.#rows.size === 0) this.#clear();
  }

  #lose(network: BitcoinNetwork, lost: Pick<Row, 'sent' | 'answered' | 'fields'>, what: string): string | undefined {
    const isFirst = this.#rowOf(network) === undefined;
    this.#rows.set(keyOf(network), { uid: network.metadata.uid, ...lost, atMs: this.#nowMs() });
    const text = `${what}: apply the definition of the version of the controller`;
    if (this.#fault?.text !== text) this.#logger.error('The definition does not keep the status of networks', { cause: text });
    this.#fault = { text, fields: lost.fields };
    return isFirst ? text : undefined;
  }

  /**
   * A status without the fields that were lost, such as `edges`, does not show that they are kept by now. If it is still without them when
   * the retry is due, the network does not need them any more.
   */
  #keep(network: BitcoinNetwork, sent: BitcoinNetworkStatus, answered: BitcoinNetworkStatus | undefined): void {
    const row = this.#rowOf(network);
    const isOver = row === undefined || hasAll(sent, row.fields) || this.isRetryDue(network);
    if (isOver) this.#rows.delete(keyOf(network));
    else this.#rows.set(keyOf(network), { ...row, sent, answered });
    if (this.#rows.size === 0 || hasAll(sent, this.#fault?.fields ?? [])) this.#clear();
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

/** The fields of a status that the answer lacks or has otherwise. `storage` is no loss: it follows from the spec. */
function lostFields(sent: BitcoinNetworkStatus, answered: BitcoinNetworkStatus | undefined): Field[] {
  const names = differencesOf(sent, answered ?? {}).flatMap(({ path: [name] }) => (typeof name === 'string' ? [name] : []));
  return [...new Set(names)].filter(name => name !== 'storage') as Field[];
}

const hasAll = (status: BitcoinNetworkStatus, fields: readonly Field[]): boolean =>
  fields.every(field => status[field] !== undefined);
