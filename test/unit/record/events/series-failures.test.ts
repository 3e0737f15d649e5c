import { expect } from 'chai';
import { networkError, status } from '../core/fakes.ts';
import { minutes, startMs, withSeriesWorld } from './fakes.ts';

describe('SeriesPolicy, when writes fail', () => {
  for (const code of [408, 429, 500, 502, 503, 504])
    it(`retries after ${code}, at the time that the server gives`, () =>
      withSeriesWorld({}, async ({ server, pass, record }) => {
        server.failures = [status(code, 'Later', { details: { retryAfterSeconds: 2 } }), status(code, 'Later')];
        record('n');
        await pass(30_000);
        expect(server.calls.map(({ atMs }) => atMs - startMs)).to.deep.equal([0, 2_000, 12_000]);
        expect(server.counts()).to.deep.equal([1]);
      }));

  for (const code of [400, 403, 410, 413, 422])
    it(`gives up at once after ${code}, and counts it`, () =>
      withSeriesWorld({}, async ({ events, server, logger, pass, record }) => {
        server.failures = [status(code, 'No')];
        const drops: unknown[] = [];
        events.drops.subscribe(({ cause, count, event }) => drops.push([cause, count, event.note]));
        record('n');
        await pass(100_000);
        expect(server.calls).to.have.length(1);
        expect(drops).to.deep.equal([['rejected', 1, 'n']]);
        expect(logger.messages('error')).to.deep.equal(['Server rejected event (will not retry!)']);
      }));

  it('retries after a broken connection ten to twelve and a half seconds later', async () => {
    for (const [random, expected] of [
      [0, 10_000],
      [1, 12_500],
    ] as const)
      await withSeriesWorld({ random: () => random }, async ({ server, pass, record }) => {
        server.failures = [networkError()];
        record('n');
        await pass(20_000);
        expect(server.calls.map(({ atMs }) => atMs - startMs)).to.deep.equal([0, expected]);
      });
  });

  it('gives up a first event after twelve attempts', () =>
    withSeriesWorld({}, async ({ events, server, logger, pass, record }) => {
      server.outage = networkError();
      record('n');
      await pass(30 * minutes);
      expect(server.calls).to.have.length(12);
      expect(events.counts.dropped.retry_limit).to.equal(1);
      expect(logger.messages('error').at(-1)).to.equal('Unable to write event (retry limit exceeded!)');
    }));

  it('does not give up the count of a series in an outage of half an hour', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      record('n');
      await pass(0);
      server.outage = networkError();
      for (let time = 0; time < 5; time += 1) {
        record('n');
        await pass(minutes);
      }
      await pass(30 * minutes);
      expect(server.calls.length).to.be.lessThan(25);
      server.outage = undefined;
      await pass(6 * minutes);
      expect(server.counts()).to.deep.equal([6]);
      expect(events.counts).to.include({ recorded: 6, delivered: 6 });
      expect(server.summary().slice(-2)).to.deep.equal(['patch n 6', 'patch n 6']);
    }));

  it('gives it up once the server has deleted the event', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      record('n');
      await pass(0);
      server.outage = networkError();
      record('n');
      await pass(75 * minutes);
      expect(events.counts.dropped.retry_limit).to.equal(1);
      const { length } = server.calls;
      await pass(60 * minutes);
      expect(server.calls).to.have.length(length);
    }));

  it('keeps an event that became a series during its last attempt', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      server.outage = networkError();
      server.latencyMs = 100;
      record('n');
      await pass(11 * 10_100);
      expect(server.calls).to.have.length(12);
      record('n');
      await pass(100);
      server.outage = undefined;
      await pass(10 * minutes);
      expect(server.counts()).to.deep.equal([2]);
      expect(events.counts).to.include({ recorded: 2, delivered: 2 });
      expect(events.counts.dropped.retry_limit).to.equal(0);
    }));

  it('writes a continuing series no more often than before once the outage is over', () =>
    withSeriesWorld({}, async ({ server, pass, record }) => {
      record('n');
      await pass(0);
      server.outage = networkError();
      const happenFor = async (count: number) => {
        for (let minute = 0; minute < count; minute += 1) {
          record('n');
          await pass(minutes);
        }
      };
      await happenFor(5);
      server.outage = undefined;
      await happenFor(2);
      const { length } = server.calls;
      expect(server.calls.at(-1)?.count).to.be.at.least(6);
      await happenFor(22);
      expect(server.calls).to.have.length(length);
      await happenFor(3);
      expect(server.calls).to.have.length(length + 1);
    }));

  it('keeps a limited number of series that it could not write', function () {
    // Fifty thousand attempts take long on a busy machine; how long is not what is tested.
    this.timeout(60_000);
    return withSeriesWorld({ maxQueuedEvents: 10_000, concurrency: 10_000 }, async ({ events, server, pass, record }) => {
      server.outage = networkError();
      for (let index = 0; index < 4098; index += 1) for (const note of ['n', 'n']) record(note, `p${index}`);
      await pass(11 * 10_000);
      expect(events.counts.dropped.retry_limit).to.equal(2 * 2);
      server.outage = undefined;
      await pass(6 * minutes);
      expect(server.stored.size).to.equal(4096);
      expect(events.counts.delivered).to.equal(2 * 4096);
    });
  });

  it('recreates a series that the server has deleted', () =>
    withSeriesWorld({}, async ({ server, pass, record }) => {
      record('n');
      await pass(0);
      server.stored.clear();
      record('n');
      await pass(0);
      expect(server.summary()).to.deep.equal(['create n 1', 'patch n 2', 'create n 2']);
      expect(server.counts()).to.deep.equal([2]);
    }));

  it('patches again later if a patch does not find the event and a create does', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      record('n');
      await pass(0);
      server.failures = [status(404, 'NotFound')];
      record('n');
      await pass(10_000);
      expect(server.summary()).to.deep.equal(['create n 1', 'patch n 2', 'create n 2', 'patch n 2']);
      expect(events.counts).to.include({ recorded: 2, delivered: 2 });
    }));

  it('chooses another name if the name is taken, and keeps it', () =>
    withSeriesWorld({}, async ({ server, pass, record }) => {
      server.latencyMs = 10;
      record('n');
      await pass(0);
      const name = server.calls[0]!.event.metadata.name;
      const other = { ...server.calls[0]!.event, note: 'of another process' };
      server.stored.set(name, other);
      record('n');
      await pass(100);
      for (let time = 0; time < 3; time += 1) {
        record('n');
        await pass(12 * minutes);
      }
      expect(server.stored.get(name)).to.equal(other);
      expect(server.counts('n')).to.deep.equal([3, 1, 1]);
    }));

  it('recognises its own event when an attempt without an answer created it', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      const create = server.create.bind(server);
      let isFirst = true;
      server.create = async event => {
        const created = await create(event);
        if (!isFirst) return created;
        isFirst = false;
        throw networkError();
      };
      record('n');
      await pass(0);
      record('n');
      record('n');
      await pass(10_000);
      expect(server.counts()).to.deep.equal([3]);
      expect(events.counts.delivered).to.equal(3);
    }));
});
