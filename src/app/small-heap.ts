// keepHeapSmall: makes V8 collect garbage early instead of letting the heap grow. Call it before everything else.
import { setFlagsFromString } from 'node:v8';

/**
 * By default V8 lets the young generation grow to 128 MiB, and the old one to a multiple of the live objects. This process has some 20 MiB
 * of them and mostly waits. A version of V8 that does not know a flag ignores it.
 */
export function keepHeapSmall(): void {
  // The young generation keeps its size.
  setFlagsFromString('--semi-space-growth-factor=1');
  // The old generation grows by a fifth between two collections. --optimize-for-size does that too, and makes all code slower.
  setFlagsFromString('--heap-growing-percent=20');
}
