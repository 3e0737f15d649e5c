import { eventually } from '../until.ts';

/** What can run kubectl on a cluster. */
interface KubectlRunner {
  kubectl(...args: string[]): Promise<string>;
}

/**
 * Resolves when the API server serves the definitions. `kubectl wait` fails at once if it reads one that has no conditions yet, so it is
 * called again then.
 * @param definitions as arguments of kubectl, such as `crd --all`
 */
export async function untilEstablished(cluster: KubectlRunner, ...definitions: string[]): Promise<void> {
  await eventually(() =>
    cluster.kubectl('wait', '--for=condition=Established', ...definitions, '--timeout=60s').then(
      () => true,
      () => false,
    ),
  );
}
