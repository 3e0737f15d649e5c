// A replica for tests: takes the lease and says on standard output what it does, a word a line. Its standard input ends it.
//   node test/support/elector-process.ts KUBECONFIG NAMESPACE IDENTITY
import { KubeConfig } from '@kubernetes/client-node';
import { LeaderElector } from '../../../src/runtime/leader-elector.ts';
import { KubeClient } from '../../../src/kube/client.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

const [kubeconfig = '', namespace = '', identity = ''] = process.argv.slice(2);
const say = (word: string) => process.stdout.write(`${word}\n`);
const kubeConfig = new KubeConfig();
kubeConfig.loadFromFile(kubeconfig);
const logger = new RecordingLogger();
const client = new KubeClient({ kubeConfig, logger });
const timings = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 250 };
const elector = new LeaderElector({ client, namespace, name: 'lease', identity, logger, ...timings });
const guarded = client.withWriteGuard(() => elector.assertLeading());
const stop = new AbortController();
process.stdin.resume().on('end', () => stop.abort(new Error('stop')));

/** What a leader does all the time: writes. Each write that reaches the API server carries the writer's name. */
async function lead(signal: AbortSignal): Promise<void> {
  say('leads');
  const type = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
  while (!signal.aborted) {
    const object = { metadata: { namespace, name: 'work' }, data: { writer: identity } };
    await guarded.apply(type, object, { fieldManager: 'test', force: true, signal }).catch(() => undefined);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

say('waits');
try {
  await elector.run(stop.signal, lead);
  say('stopped');
} catch (error) {
  say(error instanceof Error ? error.name : 'Error');
}
await client.close();
process.stdin.destroy();
