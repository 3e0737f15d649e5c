// Wires configuration → clients → recorder → controller, and takes them down in the opposite order. Nobody imports it; only it ends the process.
// After it: controller/controller.ts.
import { hostname } from 'node:os';
import { config as rxjs } from 'rxjs';
import { type Config, readConfig, usage, UsageError, version } from './app/config.ts';
import { createCaches } from './controller/caches.ts';
import { Controller } from './controller/network-controller.ts';
import { LeaderElector, type LeaderElectorOptions } from './runtime/leader-elector.ts';
import { Reconciler } from './controller/reconciler.ts';
import { WorkQueue } from './runtime/work-queue.ts';
import { startEventRecording } from './app/event-recording.ts';
import { HealthServer, type HealthServerOptions } from './runtime/health-server.ts';
import { KubeClient } from './kube/client.ts';
import { KubeConfigError, loadKubeConfig } from './kube/auth/kubeconfig.ts';
import type { Logger } from './logging/logger.ts';
import { Metrics } from './metrics/prometheus.ts';
import type { EventRecorder } from './record/core/event-recorder.ts';
import { keepHeapSmall } from './app/small-heap.ts';
import { createLogger, type LeveledLogger } from './logging/winston-logger.ts';

const component = 'bitcoin-controller';

/** What fails is tried again after 250 ms, then twice as long each time, and at least every 10 s: so that what has been mended heals soon. */
const retry = { baseDelayMs: 250, maxDelayMs: 10_000, qps: 100, burst: 1_000 };

/** How long the events that were recorded last may take to reach the API server when the process ends. */
const drainTimeoutMs = 3_000;

/** An AbortSignal that SIGTERM and SIGINT abort; a second one ends the process at once. */
function stopSignal(logger: Logger): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      logger.info('Stopping', { signal: name });
      controller.abort(new Error(name));
    });
  return controller.signal;
}

async function run(config: Config, logger: LeveledLogger): Promise<void> {
  const metrics = new Metrics({ process: true, version });
  const client = new KubeClient({
    kubeConfig: loadKubeConfig(config),
    logger,
    metrics: metrics.restClient,
    userAgent: `${component}/${version}`,
    qps: config.kubeApiQps,
    burst: config.kubeApiBurst,
  });
  const { eventsApi: api, identity } = config;
  const { recorder, broadcaster: events, givenUp } = startEventRecording({ api, client, logger, component, identity });
  metrics.events.observe(events.counts);
  const idleTimeoutMs = config.watchIdleSeconds * 1_000;
  const caches = createCaches({ client, namespaces: config.namespace, logger, metrics: metrics.reflector, idleTimeoutMs });
  const stop = stopSignal(logger);
  const elector = config.leaderElect
    ? electorFor(config, { client, logger, metrics: metrics.leaderElection, recorder })
    : undefined;
  const health = await startHealthServer(config, {
    logger,
    metrics,
    healthChecks: elector === undefined ? {} : { lease: () => elector.healthCheck() },
    readyChecks: { caches: () => caches.all.check() },
  });

  const stopInformers = new AbortController();
  const informers = caches.all.run(stopInformers.signal);
  const work = async (signal: AbortSignal): Promise<void> => {
    const guarded = elector === undefined ? client : client.withWriteGuard(() => elector.assertLeading());
    const { bitcoindImage: image, bitcoindImagePullPolicy: imagePullPolicy, bitcoindPodTemplate: template } = config;
    const pods = { image, imagePullPolicy, template };
    const reconciler = new Reconciler({ client: guarded, caches, recorder, pods, recheckMs: config.recheckSeconds * 1_000 });
    const queue = new WorkQueue({ name: component, ...retry, metrics: metrics.workQueue });
    const { concurrency } = config;
    const options = {
      name: component,
      caches,
      synced: caches.all,
      queue,
      reconciler,
      recorder,
      logger,
      concurrency,
      metrics: metrics.controller,
    };
    const retelling = givenUp.subscribe(({ namespace = '', name = '' }) => reconciler.tellAgain(`${namespace}/${name}`));
    await new Controller(options).run(signal);
    retelling.unsubscribe();
    // Before the lease is given back: the next leader's story begins after ours.
    await events.flush(drainTimeoutMs);
  };
  try {
    await caches.all.whenReady(stop).catch(() => undefined);
    if (!stop.aborted)
      logger.info('Ready', { version, namespaces: config.namespace.length === 0 ? 'all' : config.namespace.join(',') });
    await (elector === undefined ? work(stop) : elector.run(stop, work));
  } finally {
    // Workers first, then the recorder, then the sockets: a reconcile that is finishing may still record an event.
    const { notDelivered } = await events.shutdown({ drainTimeoutMs });
    if (notDelivered > 0) logger.warn('Events were not delivered', { count: notDelivered });
    stopInformers.abort(new Error('the controller stopped'));
    await informers;
    await health?.close();
    await client.close();
  }
}

function electorFor(
  config: Config,
  { recorder, ...rest }: Pick<LeaderElectorOptions, 'client' | 'logger' | 'metrics'> & { readonly recorder: EventRecorder },
): LeaderElector {
  const namespace = config.leaderElectNamespace ?? config.podNamespace;
  if (namespace === undefined) throw new UsageError('--leader-elect-namespace is needed outside a cluster');
  const { leaderElectLeaseName: name, identity } = config;
  const onNewLeader = (leader: string) => rest.logger.info('New leader', { leader, isThisReplica: leader === identity });
  // As client-go's, reason and message included.
  const onTransition: LeaderElectorOptions['onTransition'] = (what, lease) =>
    recorder.event(
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease },
      'Normal',
      'LeaderElection',
      `${identity} ${what}`,
    );
  return new LeaderElector({ ...rest, namespace, name, identity, onNewLeader, onTransition });
}

async function startHealthServer(
  config: Config,
  options: Omit<HealthServerOptions, 'logLevel' | 'logger'> & { readonly logger: LeveledLogger },
): Promise<HealthServer | undefined> {
  const { healthAddress } = config;
  if (healthAddress === 'off' || healthAddress === '0') return undefined;
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(healthAddress) ?? [];
  const { logger } = options;
  const logLevel = { get: () => logger.level, set: (level: string) => logger.setLevel(level) };
  const health = new HealthServer({ ...options, logLevel });
  await health.listen(Number(port), host === '' ? undefined : host.replace(/^\[(.*)\]$/, '$1')).catch((cause: unknown) => {
    throw new Error(`--health-address ${healthAddress}`, { cause });
  });
  return health;
}

async function main(): Promise<number> {
  let logger: LeveledLogger | undefined;
  try {
    const config = readConfig(process.argv.slice(2), hostname());
    if (config === 'help' || config === 'version') {
      process.stdout.write(config === 'help' ? usage() : `${version}\n`);
      return 0;
    }
    logger = createLogger({ level: config.logLevel, format: config.logFormat });
    const root = logger;
    // A subscriber that throws harms nobody else, and is not taken for a reason to end the process.
    rxjs.onUnhandledError = error => root.error('A subscriber failed', { error });
    await run(config, root);
    logger.info('Stopped');
    return 0;
  } catch (error) {
    const isUsage = error instanceof UsageError || error instanceof KubeConfigError;
    if (isUsage) process.stderr.write(`bitcoin-controller: ${error.message}\n`);
    else if (logger === undefined) throw error;
    else logger.error('Ended by an error', { error });
    return isUsage ? 2 : 1;
  }
}

keepHeapSmall();
process.exitCode = await main();
