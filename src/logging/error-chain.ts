// errorChain: an error and its causes.

const deepestCause = 8;

/** The error, its cause, the cause of that, and so on, as long as they are Errors. At most nine, so that a circle of causes ends. */
export function* errorChain(error: unknown): Generator<Error> {
  let current = error;
  for (let depth = 0; depth <= deepestCause && current instanceof Error; depth += 1) {
    yield current;
    current = current.cause;
  }
}
