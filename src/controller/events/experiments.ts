// The events of an experiment, from what changed of its conditions. Pure.
import type { BitcoinExperimentStatus } from '../../bitcoin/api/bitcoin-experiment.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import { conditionOf } from '../experiments/progress.ts';
import { reasons } from './reasons.ts';
import { sentence } from './sentence.ts';

export function experimentEvents(previous: BitcoinExperimentStatus | undefined, status: BitcoinExperimentStatus): PendingEvent[] {
  const becameTrue = (type: string) => {
    const is = conditionOf(status, type);
    return is?.status === 'True' && conditionOf(previous, type)?.status !== 'True' ? is : undefined;
  };
  const [began, complete, failed] = ['Started', 'Complete', 'Failed'].map(becameTrue);
  return [
    ...event('Normal', reasons.experimentStarted, began && sentence(began.message)),
    ...event('Normal', reasons.experimentCompleted, complete && `${sentence(complete.message)}${resultText(status)}`),
    ...event('Warning', reasons.experimentFailed, failed && `${failed.reason}: ${failed.message}`),
  ];
}

const event = (type: PendingEvent['type'], reason: string, message: string | undefined): PendingEvent[] =>
  message === undefined ? [] : [{ type, reason, message }];

function resultText({ startTime = '', completionTime = '', reorgDepth }: BitcoinExperimentStatus): string {
  const seconds = Math.round((Date.parse(completionTime) - Date.parse(startTime)) / 1_000);
  const depth =
    reorgDepth === undefined ? '' : `; a node replaced ${reorgDepth} ${reorgDepth === 1 ? 'block' : 'blocks'} at most`;
  return ` in ${seconds} s${depth}`;
}
