// `bitcoin-controller/broadcaster`: what other programs import. Nothing in this project does.
export * from './broadcaster.ts';
export { newEmptyWatch, Watcher, type WatchEvent, type WatchEventType, type WatcherOptions } from './watcher.ts';
