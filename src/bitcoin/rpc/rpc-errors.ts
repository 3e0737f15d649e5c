// Why a call to a bitcoind failed: bitcoind said so, or gave no usable answer.

/**
 * bitcoind answered a call with an error. `code` is bitcoind's own (CORE rpc/protocol.h), e.g. -28 while it is warming up. It has no stack:
 * a node may answer 2,000 calls with errors, and a stack says nothing about a node.
 */
export class BitcoinRpcError extends Error {
  readonly code: number;
  readonly method: string;
  constructor(method: string, code: number, message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(`${method}: ${message} (${code})`);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'BitcoinRpcError';
    this.code = code;
    this.method = method;
  }
}

/**
 * Why an answer was not usable; events and conditions depend on it. `oversized`: it is too long, or has too many parts, to be read.
 */
export type TransportFailure = 'unreachable' | 'timeout' | 'unauthorized' | 'busy' | 'unusable' | 'oversized';

/** bitcoind gave no usable answer: refused, silent, 401, 503, not JSON, or too much of it. Always worth another try. */
export class BitcoinTransportError extends Error {
  readonly failure: TransportFailure;
  constructor(failure: TransportFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'BitcoinTransportError';
    this.failure = failure;
  }
}
