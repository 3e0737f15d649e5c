// What is known of a copy of blocks, in the words of the condition Bootstrapped. Pure.

export type CopyReason =
  'Copied' | 'Copying' | 'SourceMissing' | 'SourceNotReady' | 'SourceOfAnotherChain' | 'BootstrapTooLarge' | 'BootstrapFailed';

export interface CopyState {
  readonly reason: CopyReason;
  readonly message: string;
}

/** The last block that is copied. */
export interface FixedBlock {
  readonly height: number;
  readonly hash: string;
}

const blocks = (count: number): string => `${count} ${count === 1 ? 'block' : 'blocks'}`;

export const copied = ({ height }: FixedBlock, from: string): CopyState => ({
  reason: 'Copied',
  message: `the chain begins with ${blocks(height)} of network ${from}`,
});

/** @param why what it waits for. Default: it goes on */
export const copying = ({ height }: FixedBlock, from: string, done: number, why?: string): CopyState => ({
  reason: 'Copying',
  message: `copied ${done} of ${blocks(height)} of network ${from}${why === undefined ? '' : `: ${why}`}`,
});

export const failed = (message: string): CopyState => ({ reason: 'BootstrapFailed', message });

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / (1 << 20))} MiB`;

export const tooLarge = (what: string, maxBytes: number): CopyState => ({
  reason: 'BootstrapTooLarge',
  message: `${what}, and at most ${mebibytes(maxBytes)} of blocks are copied: use storage.dataSource, or a lower bootstrap.height`,
});

export const holds = (name: string, bytes: number): string => `${name} has ${mebibytes(bytes)} of blocks`;
