// keepHeapSmall: V8 is to collect garbage early rather than let the heap grow. Called by main.ts before everything else.
import { setFlagsFromString } from 'node:v8';

/**
 * By default V8 lets the young generation grow to 128 MiB and the old one to a multiple of what is alive; here some 20 MiB are, whose
 * processing is mostly waiting. A version of V8 that does not know a flag passes it over.
 */
export function keepHeapSmall(): void {
  // The young generation keeps the size that it has.
  setFlagsFromString('--semi-space-growth-factor=1');
  // The old generation grows by a fifth between two collections. --optimize-for-size does that too, and makes all code slower.
  setFlagsFromString('--heap-growing-percent=20');
}
