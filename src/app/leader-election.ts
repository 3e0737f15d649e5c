// The leader elector of this process, as its configuration wants it.
import type { EventRecorder } from '../record/core/event-recorder.ts';
import { LeaderElector, type LeaderElectorOptions } from '../runtime/leader-elector.ts';
import { type Config, UsageError } from './config.ts';

/**
 * @returns undefined without leader election
 * @throws UsageError if the namespace of the Lease is unknown
 */
export function electorFor(
  config: Config,
  { recorder, ...rest }: Pick<LeaderElectorOptions, 'client' | 'logger' | 'metrics'> & { readonly recorder: EventRecorder },
): LeaderElector | undefined {
  if (!config.leaderElect) return undefined;
  const namespace = config.leaderElectNamespace ?? config.podNamespace;
  if (namespace === undefined) throw new UsageError('--leader-elect-namespace is needed outside a cluster');
  const { leaderElectLeaseName: name, identity } = config;
  const onNewLeader = (leader: string) => rest.logger.info('New leader', { leader, isThisReplica: leader === identity });
  // Reason and message are client-go's.
  const onTransition: LeaderElectorOptions['onTransition'] = (what, lease) =>
    recorder.event(
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease },
      'Normal',
      'LeaderElection',
      `${identity} ${what}`,
    );
  return new LeaderElector({ ...rest, namespace, name, identity, onNewLeader, onTransition });
}
