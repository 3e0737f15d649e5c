// Expiry: when a network is to be deleted (spec.ttlSecondsAfterCreation), and whether the controller may do that. The time follows from the
// network alone, so that a controller which has just started deletes it when its predecessor would have.
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';

export interface ExpiryState {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** The time is over, and the network is deleted now. */
  readonly isDue: boolean;
  /** In how many milliseconds the network is deleted, if that is known; at least 1. */
  readonly dueInMs: number | undefined;
  /** Why it is not deleted. */
  readonly obstacle: ExpiryObstacle | undefined;
}

export interface ExpiryObstacle {
  readonly reason: 'RightMissing' | 'DeletionRefused';
  readonly message: string;
}

export class Expiry {
  #refusal: { readonly message: string; readonly untilMs: number } | undefined;

  /**
   * @param mayDelete whether the controller was given the right
   * @param nowMs milliseconds since 1970
   * @returns undefined if the spec sets no time
   */
  observe({ metadata, spec }: BitcoinNetwork, mayDelete: boolean, nowMs: number): ExpiryState | undefined {
    const { ttlSecondsAfterCreation: seconds } = spec;
    const createdMs = new Date(metadata.creationTimestamp ?? Number.NaN).getTime();
    if (seconds === undefined || Number.isNaN(createdMs)) return undefined;
    const atMs = createdMs + seconds * 1_000;
    const obstacle = this.#obstacle(mayDelete);
    const isRefused = this.#refusal !== undefined && nowMs < this.#refusal.untilMs;
    const isDue = mayDelete && nowMs >= atMs && !isRefused;
    const dueInMs = mayDelete && nowMs < atMs ? Math.max(1, atMs - nowMs) : undefined;
    return { atMs, isDue, dueInMs, obstacle };
  }

  /** Whether the API server has refused the deletion. */
  get wasRefused(): boolean {
    return this.#refusal !== undefined;
  }

  /** Call when the API server refuses the deletion: it is tried again at `untilMs`, in milliseconds since 1970. */
  noteRefusal(message: string, untilMs: number): void {
    this.#refusal = { message, untilMs };
  }

  #obstacle(mayDelete: boolean): ExpiryObstacle | undefined {
    const value = 'chart value rbac.deleteNetworks';
    const field = 'ttlSecondsAfterCreation';
    if (!mayDelete) return { reason: 'RightMissing', message: `${field}: the controller may not delete networks (${value})` };
    if (this.#refusal === undefined) return undefined;
    const { message } = this.#refusal;
    return { reason: 'DeletionRefused', message: `${field}: the network is not deleted, with ${value}: ${message}` };
  }
}
