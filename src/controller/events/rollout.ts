// The events of a rollout, from what changed of the condition UpToDate and of status.rollout. Pure.
import type { BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import { reasons } from './reasons.ts';
import { sentence } from './sentence.ts';
import { conditionIn } from '../status/condition.ts';

export function rolloutEvents(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): PendingEvent[] {
  const [was, is] = [conditionIn(previous, 'UpToDate'), conditionIn(status, 'UpToDate')];
  if (is === undefined) return [];
  const message = sentence(is.message);
  const event = (type: PendingEvent['type'], reason: PendingEvent['reason'], text = message): PendingEvent[] => [
    { type, reason, message: text },
  ];
  if (is.status === 'True')
    return was?.status === 'False' ? [...updated(previous, status), ...event('Normal', reasons.rolloutCompleted)] : [];
  const isOther = is.reason !== was?.reason;
  return [
    ...(was?.status === 'False' ? updated(previous, status) : []),
    ...(was?.status !== 'False' && is.reason === 'RollingOut' ? event('Normal', reasons.rolloutStarted) : []),
    ...detourEvents(previous, status),
    ...(isOther && (is.reason === 'Held' || is.reason === 'Paused') ? event('Normal', reasons.rolloutHeld) : []),
    ...(isOther && is.reason === 'WouldLoseChain' ? event('Warning', reasons.rolloutHeld) : []),
    ...(isOther && is.reason === 'NodeNotBack' ? event('Warning', reasons.rolloutStalled) : []),
  ];
}

function detourEvents({ rollout: was }: BitcoinNetworkStatus = {}, { rollout: is }: BitcoinNetworkStatus): PendingEvent[] {
  const { current = '', detourEdges = 0 } = is ?? {};
  const isSame = was?.current === current && was.detourEdges === detourEdges;
  if (detourEdges === 0 || isSame) return [];
  const connections = `${detourEdges} connection${detourEdges === 1 ? '' : 's'}`;
  return [
    { type: 'Normal', reason: reasons.detourOpened, message: `Opened ${connections} around ${current} while it is restarted` },
  ];
}

/** One event for the nodes that were updated since the last status. */
function updated({ rollout: was }: BitcoinNetworkStatus = {}, { rollout: is, nodes = [] }: BitcoinNetworkStatus): PendingEvent[] {
  const [before, now] = [was?.updatedNodes ?? 0, is?.updatedNodes ?? nodes.length];
  if (was === undefined || now <= before) return [];
  const who = now === before + 1 && was.current !== undefined ? was.current : `${now - before} nodes`;
  return [
    { type: 'Normal', reason: reasons.nodeUpdated, message: `Updated ${who}; ${now} of ${nodes.length} nodes are updated` },
  ];
}
