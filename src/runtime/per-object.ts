// PerNetwork: what the controller remembers of each network, and of no other one that is made later under its name.
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { keyOf } from '../kube/resource.ts';

export class PerNetwork<T> {
  readonly #create: () => T;
  readonly #rows = new Map<string, { readonly uid: string; readonly value: T }>();

  /** @param create makes what is remembered of a network that is not known yet */
  constructor(create: () => T) {
    this.#create = create;
  }

  of(network: BitcoinNetwork): T {
    const key = keyOf(network);
    const { uid } = network.metadata;
    const known = this.#rows.get(key);
    if (known?.uid === uid) return known.value;
    const value = this.#create();
    this.#rows.set(key, { uid, value });
    return value;
  }

  /** Call with the key of a network that is gone, or of which nothing is to be remembered. */
  forget(key: string): void {
    this.#rows.delete(key);
  }
}
