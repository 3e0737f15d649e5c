// A whole controller: it records an event on each ConfigMap that lacks a label. docs/writing-a-controller.md explains it step by step.
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { CoreV1Api, KubeConfig, type V1ConfigMap } from '@kubernetes/client-node';
import { recordEvents } from 'bitcoin-controller/record';
import * as runtime from 'bitcoin-controller/runtime';

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    namespace: { type: 'string', default: 'default' },
    label: { type: 'string', default: 'app.kubernetes.io/name' },
    identity: { type: 'string', default: `${hostname()}-${process.pid}` },
  },
});
const { namespace, label, identity } = values;
const name = 'unlabelled-config-maps';
const configMaps: runtime.ResourceType<V1ConfigMap> = {
  ...{ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true },
};
const logger: runtime.Logger = { ...runtime.consoleLogger, info: (message, fields = {}) => console.log(message, fields) };

const kubeConfig = new KubeConfig();
if (values.kubeconfig === undefined) kubeConfig.loadFromDefault();
else kubeConfig.loadFromFile(values.kubeconfig);
const client = new runtime.KubeClient({ kubeConfig, logger, userAgent: name });
const { recorder, broadcaster } = recordEvents(kubeConfig.makeApiClient(CoreV1Api), {
  ...{ component: name, logger, kindOf: () => ({ apiVersion: 'v1', kind: 'ConfigMap' }) },
});
const informer = new runtime.Informer({ client, type: configMaps, namespace, logger });

/** Brings one ConfigMap nearer to its desired state; here it only says what is missing. A throw means: retry with backoff. */
function reconcile(key: string): Promise<runtime.Result> {
  const configMap = informer.get(key);
  if (configMap !== undefined && configMap.metadata?.labels?.[label] === undefined)
    recorder.eventf(configMap, 'Warning', 'LabelMissing', 'The label %s is missing', label);
  return Promise.resolve({});
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)));
const stopInformer = new AbortController();
const watching = informer.run(stopInformer.signal);
const elector = new runtime.LeaderElector({ client, namespace, name, identity, logger });
try {
  await informer.whenSynced(stop.signal);
  await elector.run(stop.signal, async leading => {
    logger.info('Started leading', { identity });
    const queue = new runtime.WorkQueue({ name });
    const requests = runtime.requestsForObjects(informer);
    await new runtime.Controller({ name, requests, queue, reconcile, concurrency: 2, logger }).run(leading);
  });
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  const { delivered, notDelivered } = await broadcaster.shutdown();
  logger.info('Stopped', { delivered, notDelivered });
  stopInformer.abort(new Error('stopped'));
  await watching;
  await client.close();
}
