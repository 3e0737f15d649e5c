// Makes V8 collect garbage early instead of letting the heap grow. Import it before everything else: the young generation is small at the start
//   of a process, and grows while modules are loaded.
//   By default V8 lets it grow to 48 MiB, and the old generation to a multiple of the live objects. This process has some 25 MiB of them and
//   mostly waits. A version of V8 that does not know a flag ignores it.
import { setFlagsFromString } from 'node:v8';

// The young generation keeps its size. The image starts with 4 MiB of it (--min-semi-space-size), which cannot be set here; by default it is 1 MiB.
setFlagsFromString('--semi-space-growth-factor=1');
// The old generation grows by a fifth between two collections. --optimize-for-size does that too, and makes all code slower.
setFlagsFromString('--heap-growing-percent=20');
