// The wiring of the process: client, event recording, caches, leader election, health server and controller, and their shutdown in the
//   opposite order.
import type { V1NetworkPolicyPeer } from '@kubernetes/client-node';
import { createCaches } from '../controller/caches.ts';
import { NetworkController } from '../controller/network-controller.ts';
import { LostStatus } from '../controller/status/lost-status.ts';
import { insecureAccess, KubeConfigError, loadKubeConfig } from '../kube/auth/kubeconfig.ts';
import { KubeClient } from '../kube/client.ts';
import type { LeveledLogger } from '../logging/winston-logger.ts';
import { Metrics } from '../metrics/prometheus.ts';
import { type Config, UsageError, version } from './config.ts';
import { startEventRecording } from './event-recording.ts';
import { startServers } from './health.ts';
import { electorFor } from './leader-election.ts';

const component = 'bitcoin-controller';

/** How long the events that were recorded last may take to reach the API server when the process ends. */
const drainTimeoutMs = 3_000;

/** A kubeconfig that cannot be used is an error of the command line or the environment, which name it. */
function kubeConfigFor(config: Config): ReturnType<typeof loadKubeConfig> {
  try {
    return loadKubeConfig(config);
  } catch (error) {
    throw error instanceof KubeConfigError ? new UsageError(error.message) : error;
  }
}

/** The controller's own pods for NetworkPolicies. Outside of a cluster there are none: rpcFrom can name the controller's address. */
const controllerPodsOf = ({ podLabels, podNamespace }: Config): V1NetworkPolicyPeer[] =>
  podNamespace === undefined || Object.keys(podLabels).length === 0
    ? []
    : [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': podNamespace } },
          podSelector: { matchLabels: podLabels },
        },
      ];

/** Runs the controller until `stop` aborts; then ends in order. */
export async function run(config: Config, logger: LeveledLogger, stop: AbortSignal): Promise<void> {
  const metrics = new Metrics({ process: true, version });
  const kubeConfig = kubeConfigFor(config);
  const insecure = insecureAccess(kubeConfig);
  if (insecure !== undefined) logger.warn('Access to the API server is insecure', { reason: insecure });
  const client = new KubeClient({
    ...{ kubeConfig, logger, metrics: metrics.restClient },
    ...{ userAgent: `${component}/${version}`, qps: config.kubeApiQps, burst: config.kubeApiBurst },
  });
  const { eventsApi: api, identity, namespace: namespaces } = config;
  const { recorder, broadcaster: events, givenUp } = startEventRecording({ api, client, logger, component, identity });
  metrics.events.observe(events.counts);
  const idleTimeoutMs = config.watchIdleSeconds * 1_000;
  const caches = createCaches({ client, namespaces, logger, metrics: metrics.reflector, idleTimeoutMs }, config.withoutKinds);
  const elector = electorFor(config, { client, logger, metrics: metrics.leaderElection, recorder });
  const lost = new LostStatus(logger);
  const servers = await startServers(config, {
    ...{ logger, metrics },
    healthChecks: elector === undefined ? {} : { lease: elector.healthCheck },
    readyChecks: { caches: caches.all.check, definition: () => lost.fault },
  });

  const reconcile = async (signal: AbortSignal): Promise<void> => {
    const controller = new NetworkController({
      ...{ name: component, caches, synced: caches.all, recorder, logger, metrics, lost },
      client: elector === undefined ? client : client.withWriteGuard(() => elector.assertLeading()),
      pods: {
        image: config.bitcoindImage,
        imagePullPolicy: config.bitcoindImagePullPolicy,
        template: config.bitcoindPodTemplate,
      },
      controllerPods: controllerPodsOf(config),
      mayDeleteNetworks: config.deleteNetworks,
      mayExpandVolumes: config.expandVolumes,
      recheckMs: config.recheckSeconds * 1_000,
      concurrency: config.concurrency,
      ...(elector === undefined ? {} : { leadsForMs: () => elector.heldForMs }),
    });
    const drops = givenUp.subscribe(({ namespace = '', name = '', kind }) => controller.republish(`${namespace}/${name}`, kind));
    await controller.run(signal);
    drops.unsubscribe();
    // Before the lease is released, so that our events precede the next leader's.
    await events.flush(drainTimeoutMs);
  };

  const stopCaches = new AbortController();
  const running = caches.all.run(stopCaches.signal);
  try {
    await caches.all.whenReady(stop).catch(() => undefined);
    if (!stop.aborted) logger.info('Ready', { version, namespaces: namespaces.length === 0 ? 'all' : namespaces.join(',') });
    await (elector === undefined ? reconcile(stop) : elector.run(stop, reconcile));
  } finally {
    // Workers first, then the recorder, then the connections: a reconcile that is finishing may still record an event.
    const { notDelivered } = await events.shutdown({ drainTimeoutMs });
    if (notDelivered > 0) logger.warn('Events were not delivered', { count: notDelivered });
    stopCaches.abort(new Error('the controller stopped'));
    await running;
    await servers.close();
    await client.close();
  }
}
