// How a strategic merge patch is sent through a consumer's own client-node.

/** client-node's middleware wants this much of an observable. */
interface Settled<T> {
  toPromise(): Promise<T>;
  pipe(callback: (value: T) => unknown): Settled<unknown>;
}

/**
 * The options of client-node's API calls that make a patch a strategic merge patch, for any version from 1.0. They do what its
 * `setHeaderOptions` does, which cannot be imported: the consumer has a client-node of its own.
 */
export function strategicMergePatchOptions(): object {
  const pre = (request: { setHeaderParam(name: string, value: string): void }) => {
    request.setHeaderParam('Content-Type', 'application/strategic-merge-patch+json');
    return settled(request);
  };
  return { middleware: [{ pre, post: (response: unknown) => settled(response) }], middlewareMergeStrategy: 'append' };
}

function settled<T>(value: T): Settled<T> {
  return {
    toPromise: () => Promise.resolve(value),
    pipe: callback => settled(callback(value)),
  };
}
