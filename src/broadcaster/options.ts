// The options of a Broadcaster, and the events that it drops.
import type { Watcher, WatchEvent } from './watcher.ts';

/** What happens to an event for a watcher whose queue is full: everything waits for that watcher, or the event is dropped for it. */
export type FullChannelBehavior = 'WaitIfChannelFull' | 'DropIfChannelFull';
/** The two by their names in Go; the strings do as well. */
export const FullChannelBehavior = { WaitIfChannelFull: 'WaitIfChannelFull', DropIfChannelFull: 'DropIfChannelFull' } as const;

/** The options of a `Broadcaster`. */
export interface BroadcasterOptions {
  /** The length of each watcher's queue. 0: a watcher receives an event only while its reader waits for one. */
  readonly queueLength: number;
  /** Default: `WaitIfChannelFull`. */
  readonly fullChannelBehavior?: FullChannelBehavior | undefined;
  /** The number of accepted events that may wait to be distributed while a watcher blocks the others. Default: 25. */
  readonly incomingQueueLength?: number | undefined;
  /** Shuts the broadcaster down when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** An event that was dropped: `incoming` for all watchers, or for one `watcher` whose queue was full. */
export interface DroppedEvent<T> {
  /** Always the newest. */
  readonly event: WatchEvent<T>;
  readonly at: 'incoming' | 'watcher';
  /** Absent if the event is lost for all watchers. */
  readonly watcher?: Watcher<T>;
}
