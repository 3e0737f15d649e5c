// Where a network is in its life: paused, being deleted, or changed since it was read.
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { pausedAnnotation } from '../bitcoin/api/names.ts';

export const isBeingDeleted = ({ metadata }: BitcoinNetwork): boolean => metadata.deletionTimestamp !== undefined;

/** In any case: "True" is meant as well. */
export const isPaused = ({ metadata }: BitcoinNetwork): boolean =>
  metadata.annotations?.[pausedAnnotation]?.toLowerCase() === 'true';

/** Whether what was read is still the desired state. */
export const isCurrent = ({ metadata }: BitcoinNetwork, now: BitcoinNetwork | undefined): boolean =>
  now?.metadata.uid === metadata.uid && now.metadata.generation === metadata.generation && !isBeingDeleted(now) && !isPaused(now);
