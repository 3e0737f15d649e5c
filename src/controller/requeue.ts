// Requeue: when a network is reconciled again although nothing in the cluster changes.
import type { Result } from '../runtime/controller.ts';
import type { Applied } from '../runtime/apply.ts';
import type { CredentialsState } from './steps/credentials.ts';

/**
 * How often the Secret of a network without credentials is read again, with few such networks and for each further one. Secrets are not
 * watched, so nothing reports that one was created or corrected.
 */
const credentialsRetryMs = 3_000;
const credentialsRetryMsPerNetwork = 20;

export interface Findings {
  readonly credentials: CredentialsState;
  /** What became of each object; undefined for one that was not applied. */
  readonly children: readonly (Applied<unknown> | undefined)[];
  /** A node refuses the credentials. */
  readonly isRejected: boolean;
  /** After how many milliseconds there may be something new; 0 or undefined = not before something changes. */
  readonly waitsMs: readonly (number | undefined)[];
}

export class Requeue {
  readonly #recheckMs: number;
  /** The keys of the networks without usable credentials. */
  readonly #withoutCredentials = new Set<string>();

  /** @param recheckMs how often a stable network is reconciled; each time is longer by up to 10 % */
  constructor(recheckMs: number) {
    this.#recheckMs = recheckMs;
  }

  /** @throws the error of a child that the API server refused: it is logged, recorded and retried with backoff like any other */
  next(key: string, { credentials, children, isRejected, waitsMs }: Findings): Result {
    const failed = children.find(child => child?.outcome === 'failed');
    if (failed !== undefined) throw failed.error;
    const isBlocked = children.some(child => child?.outcome === 'pending' || child?.outcome === 'taken');
    if (isBlocked || isRejected) return { requeue: 'rateLimited' };
    const contestedMs = children.map(child => (child?.outcome === 'contested' ? child.waitMs : undefined));
    const wantedMs = [...waitsMs, ...contestedMs, this.#credentialsMs(key, credentials.isAvailable)];
    const recheckMs = this.#recheckMs * (1 + 0.1 * Math.random());
    return { requeueAfterMs: Math.min(recheckMs, ...wantedMs.filter(ms => ms !== undefined && ms > 0).map(Number)) };
  }

  /** Call with the key of a network that is gone or paused. */
  forget(key: string): void {
    this.#withoutCredentials.delete(key);
  }

  #credentialsMs(key: string, isAvailable: boolean): number | undefined {
    if (isAvailable) this.#withoutCredentials.delete(key);
    else this.#withoutCredentials.add(key);
    return isAvailable ? undefined : Math.max(credentialsRetryMs, this.#withoutCredentials.size * credentialsRetryMsPerNetwork);
  }
}
