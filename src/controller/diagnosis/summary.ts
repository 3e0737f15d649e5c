// Problems of a network's nodes as text for a condition and for events: those with the same cause together. Pure functions.
import { type Reason, reasons } from '../events/reasons.ts';
import { fingerprint, type Problem } from './pod-problems.ts';

/** The problems that have one cause. */
export interface Cause {
  readonly reason: Reason;
  readonly message: string;
  /** Equal for the same cause at different times: no names, no numbers. */
  readonly key: string;
}

/** A condition with more causes than this cannot be read any more. */
const maxCauses = 3;

const verbs: Readonly<Partial<Record<Reason, string>>> = {
  [reasons.podCreateFailed]: ' cannot be created',
  [reasons.podUnschedulable]: ' cannot be scheduled',
  [reasons.imagePullFailed]: ' cannot pull',
  [reasons.containerNotStarted]: ' cannot start',
  [reasons.volumeMountFailed]: ' cannot mount a volume',
  [reasons.probeFailed]: ' does not become ready',
  [reasons.podFailed]: ' failed',
  [reasons.nameTaken]: ' cannot be created',
  [reasons.waitingForDeletion]: ' cannot be created',
};

/** The causes of all problems, in the order in which they are given; at most three. */
export function causesOf(problems: readonly Problem[]): Cause[] {
  const groups = new Map<string, { first: Problem; count: number }>();
  for (const problem of problems) {
    const key = keyOfCause(problem);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: problem, count: 1 });
    else group.count += 1;
  }
  return [...groups].slice(0, maxCauses).map(([key, { first, count }]) => {
    const who = count === 1 ? first.subject : `${first.subject} and ${count - 1} more`;
    const message = who === '' ? first.cause : `${who}${verbs[first.reason] ?? ''}: ${first.cause}`;
    return { key, reason: first.reason, message };
  });
}

const keyOfCause = ({ reason, cause }: Problem): string => `${reason} ${fingerprint(cause)}`;

/** Whether a condition's message says this cause already, if with other numbers. */
export function isSaidIn(message: string | undefined, { key, reason }: Cause): boolean {
  return message !== undefined && fingerprint(message).includes(key.slice(reason.length + 1));
}
