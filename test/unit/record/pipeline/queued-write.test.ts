import { expect } from 'chai';
import { newEvent, type CoreV1Event } from '../../../../src/record/core/core-event.ts';
import { decide, type QueuedWrite } from '../../../../src/record/pipeline/queued-write.ts';

describe('decide, after a write', () => {
  const event = newEvent({
    ...{ reference: { kind: 'Pod', namespace: 'default', name: 'web-0' }, name: 'web-0.1', annotations: undefined },
    ...{ type: 'Normal', reason: 'Started', message: 'm', source: { component: 'c' }, nowMs: 0 },
  });
  const first: QueuedWrite<CoreV1Event> = {
    ...{ event, isCreate: true, weight: 1, tries: 0, mayBeThere: false, isRenamed: false, waiters: undefined },
  };
  const context = { policy: { shape: { countOf: () => 1 }, retryDelayMs: () => 10_000 }, newName: () => 'web-0.2' };

  it('delivers what the server has recorded, and what an attempt without an answer had created', () => {
    expect(decide(first, { kind: 'recorded', answer: event }, context)).to.deep.equal({ kind: 'deliver' });
    expect(decide({ ...first, mayBeThere: true }, { kind: 'exists' }, context)).to.deep.equal({ kind: 'deliver' });
  });

  it('tries another name once, when another event has the first one', () => {
    const renamed = decide(first, { kind: 'exists' }, context);
    expect(renamed).to.have.nested.property('write.event.metadata.name', 'web-0.2');
    expect(decide({ ...first, isRenamed: true }, { kind: 'exists' }, context)).to.deep.equal({ kind: 'drop', cause: 'rejected' });
  });

  it('retries after the delay of the server, else after that of the policy, and remembers that the event may be there', () => {
    const retry = { kind: 'retry', mayBeDone: true } as const;
    expect(decide(first, { ...retry, retryAfterMs: 500 }, context)).to.include({ kind: 'requeue', afterMs: 500 });
    expect(decide(first, retry, context)).to.deep.equal({
      ...{ kind: 'requeue', afterMs: 10_000, write: { ...first, tries: 1, mayBeThere: true } },
    });
  });

  it('gives up after twelve tries, and drops what is refused', () => {
    const last = decide({ ...first, tries: 11 }, { kind: 'retry', mayBeDone: false }, context);
    expect(last).to.deep.equal({ kind: 'giveUp', write: { ...first, tries: 12 } });
    expect(decide(first, { kind: 'rejected' }, context)).to.deep.equal({ kind: 'drop', cause: 'rejected' });
  });
});
