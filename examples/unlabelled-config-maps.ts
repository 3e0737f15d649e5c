// A controller in one file, of nothing that is bitcoin's: it records an event on each ConfigMap that lacks a label.
// `npm run example -- unlabelled-config-maps --help`.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { CoreV1Api, KubeConfig, makeInformer, type Informer, type V1ConfigMap } from '@kubernetes/client-node';
import { CoreV1EventSink, EventBroadcaster } from 'bitcoin-controller/record';

const usage = `Records a Warning on each ConfigMap that has no label of a given name, until it is interrupted.

  --kubeconfig FILE   the cluster to connect to; else KUBECONFIG, ~/.kube/config or the pod that it runs in
  --namespace NAME    the ConfigMaps of this namespace; else of all
  --label NAME        the label that each should have; default: app.kubernetes.io/name
  --help              this text
`;
const restartDelayMs = 5_000;

interface Options {
  readonly kubeConfig: KubeConfig;
  readonly namespace: string | undefined;
  readonly label: string;
}

function informerOf({ kubeConfig, namespace }: Options, core: CoreV1Api): Informer<V1ConfigMap> {
  if (namespace === undefined) return makeInformer(kubeConfig, '/api/v1/configmaps', () => core.listConfigMapForAllNamespaces());
  return makeInformer(kubeConfig, `/api/v1/namespaces/${namespace}/configmaps`, () =>
    core.listNamespacedConfigMap({ namespace }),
  );
}

async function watchConfigMaps(options: Options): Promise<void> {
  const { kubeConfig, label } = options;
  const core = kubeConfig.makeApiClient(CoreV1Api);
  // The items of a list do not say their kind.
  const events = new EventBroadcaster({ kindOf: () => ({ apiVersion: 'v1', kind: 'ConfigMap' }) });
  events.startRecordingToSink(new CoreV1EventSink(core));
  events.startLogging(line => console.log(line));
  const recorder = events.newRecorder({ component: 'unlabelled-config-maps' });

  const look = (configMap: V1ConfigMap) => {
    if (configMap.metadata?.labels?.[label] !== undefined) return;
    recorder.eventf(configMap, 'Warning', 'LabelMissing', 'It has no label %s', label);
  };
  const informer = informerOf(options, core);
  informer.on('add', look);
  informer.on('update', look);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  let restart: NodeJS.Timeout | undefined;
  const startAgain = (error: unknown) => {
    // To stop a watch is to abort it, which is an error to the informer.
    if (interrupted.signal.aborted) return;
    console.error('The watch failed:', error instanceof Error ? error.message : error);
    restart = setTimeout(() => void informer.start().catch(startAgain), restartDelayMs);
  };
  informer.on('error', startAgain);

  await informer.start();
  console.log(`Watching ConfigMaps without the label ${label}`);
  if (!interrupted.signal.aborted) await once(interrupted.signal, 'abort');
  clearTimeout(restart);
  await informer.stop();
  const { delivered, notDelivered } = await events.shutdown();
  console.log(`Ended; of what was still to be written, ${delivered} delivered, ${notDelivered} not`);
}

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    namespace: { type: 'string' },
    label: { type: 'string', default: 'app.kubernetes.io/name' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
} else {
  const kubeConfig = new KubeConfig();
  if (values.kubeconfig === undefined) kubeConfig.loadFromDefault();
  else kubeConfig.loadFromFile(values.kubeconfig);
  await watchConfigMaps({ kubeConfig, namespace: values.namespace, label: values.label });
}
