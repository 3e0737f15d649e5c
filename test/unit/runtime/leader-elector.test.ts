import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import fc from 'fast-check';
import { ApiError } from '../../../src/kube/api-error.ts';
import { LeaderElector, type LeaderElectorOptions, LeaseLostError } from '../../../src/runtime/leader-elector.ts';
import type { Lease } from '../../../src/runtime/lease-lock.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

/** One Lease as an API server keeps it: a write with an old resourceVersion is a conflict. */
class FakeLeases {
  lease: Lease | undefined;
  requests = 0;
  /** How the next requests go; all well when empty. "lost" = done, but the answer does not come. */
  faults: ('ok' | 'refused' | 'hangs' | 'lost')[] = [];
  #version = 0;

  get = (_type: unknown, _name: unknown, { signal }: { signal?: AbortSignal | undefined } = {}) =>
    this.#served(signal, () => {
      if (this.lease === undefined) throw new ApiError('get leases', 404, { reason: 'NotFound' });
      return this.lease;
    });

  create = (_type: unknown, lease: Lease, { signal }: { signal?: AbortSignal | undefined } = {}) =>
    this.#served(signal, () => {
      if (this.lease !== undefined) throw new ApiError('create leases', 409, { reason: 'AlreadyExists' });
      return this.store(lease);
    });

  replace = (_type: unknown, lease: Lease, { signal }: { signal?: AbortSignal | undefined } = {}) =>
    this.#served(signal, () => {
      if (this.lease === undefined) throw new ApiError('replace leases', 404, { reason: 'NotFound' });
      if (this.lease.metadata?.resourceVersion !== lease.metadata?.resourceVersion)
        throw new ApiError('replace leases', 409, { reason: 'Conflict' });
      return this.store(lease);
    });

  /** As the client of one replica, typed as the elector wants it. */
  get client(): LeaderElectorOptions['client'] {
    return this as unknown as LeaderElectorOptions['client'];
  }

  store(lease: Lease): Lease {
    this.#version += 1;
    this.lease = structuredClone({ ...lease, metadata: { ...lease.metadata, resourceVersion: String(this.#version) } });
    return structuredClone(this.lease);
  }

  relabel(labels: Record<string, string>): void {
    if (this.lease !== undefined) this.store({ ...this.lease, metadata: { ...this.lease.metadata, labels } });
  }

  async #served(signal: AbortSignal | undefined, answer: () => Lease): Promise<Lease> {
    this.requests += 1;
    const fault = this.faults.shift() ?? 'ok';
    if (fault === 'refused') throw new Error('connect ECONNREFUSED');
    if (fault === 'hangs' || fault === 'lost') {
      if (fault === 'lost') answer();
      await new Promise((_, reject) => {
        const timer = setTimeout(() => reject(new Error('no answer within 5000 ms')), 5_000);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          reject(signal.reason as Error);
        });
      });
    }
    return structuredClone(answer());
  }
}

interface Replica {
  readonly elector: LeaderElector;
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
  isWorking: boolean;
}

describe('LeaderElector', () => {
  let clock: Clock;
  let api: FakeLeases;
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    api = new FakeLeases();
  });
  afterEach(() => {
    expect(clock.countTimers(), 'a timer is left').to.equal(0);
    clock.uninstall();
  });

  /** A replica whose work ends `finishMs` after it should stop. */
  const start = (identity: string, options: Partial<LeaderElectorOptions> & { finishMs?: number } = {}): Replica => {
    const { finishMs = 0, ...more } = options;
    const settings = {
      client: api.client,
      namespace: 'default',
      name: 'lease',
      identity,
      logger: new RecordingLogger(),
      random: () => 0,
    };
    const elector = new LeaderElector({ ...settings, ...more });
    const stop = new AbortController();
    const replica: { -readonly [K in keyof Replica]: Replica[K] } = { elector, stop, isWorking: false, ended: Promise.resolve() };
    const work = async (signal: AbortSignal) => {
      replica.isWorking = true;
      await new Promise<void>(resolve => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      if (finishMs > 0) await new Promise(resolve => setTimeout(resolve, finishMs));
      replica.isWorking = false;
    };
    replica.ended = elector.run(stop.signal, work).catch((error: unknown) => error);
    return replica;
  };
  const stopAll = async (...replicas: Replica[]): Promise<void> => {
    for (const { stop } of replicas) stop.abort(new Error('stop'));
    await clock.tickAsync(60_000);
    await Promise.all(replicas.map(({ ended }) => ended));
  };

  it('creates a missing lease, and renews it every two seconds with one request', async () => {
    const replica = start('a');
    await clock.tickAsync(0);
    expect(replica.isWorking).to.equal(true);
    expect(api.lease?.spec).to.include({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(api.lease?.spec?.renewTime).to.match(/\.\d{6}Z$/);
    const before = api.requests;
    await clock.tickAsync(20_000);
    expect(api.requests - before).to.equal(10);
    await stopAll(replica);
  });

  it('lets one replica work, and the other at once after the release', async () => {
    const a = start('a');
    await clock.tickAsync(0);
    const b = start('b');
    await clock.tickAsync(100_000);
    expect([a.isWorking, b.isWorking]).to.deep.equal([true, false]);
    a.stop.abort(new Error('stop'));
    expect(await a.ended).to.equal(undefined);
    expect(api.lease?.spec?.holderIdentity).to.equal('');
    await clock.tickAsync(2_000);
    expect([b.isWorking, b.elector.leader, api.lease?.spec?.leaseTransitions]).to.deep.equal([true, 'b', 1]);
    await stopAll(b);
  });

  it('holds the lease until the work has finished, however long that takes', async () => {
    const a = start('a', { finishMs: 25_000 });
    await clock.tickAsync(0);
    const b = start('b');
    a.stop.abort(new Error('stop'));
    for (let second = 0; second < 24; second += 1) {
      await clock.tickAsync(1_000);
      expect([a.isWorking, b.isWorking]).to.deep.equal([true, false]);
    }
    await clock.tickAsync(4_000);
    expect([a.isWorking, b.isWorking]).to.deep.equal([false, true]);
    await stopAll(b);
  });

  it('takes over the lease of a dead replica after its duration, not before, whatever the clocks of both', async () => {
    for (const renewTime of ['1999-01-01T00:00:00.000000Z', '2999-01-01T00:00:00.000000Z']) {
      api.store({
        metadata: { name: 'lease', namespace: 'default' },
        spec: { holderIdentity: 'gone', leaseDurationSeconds: 15, renewTime },
      });
      const replica = start('a');
      await clock.tickAsync(14_999);
      expect(replica.isWorking).to.equal(false);
      await clock.tickAsync(2_000);
      expect(replica.isWorking).to.equal(true);
      await stopAll(replica);
      api.lease = undefined;
    }
  });

  it('stops before another may start when it cannot renew, whether requests are refused or hang', async () => {
    for (const fault of ['refused', 'hangs'] as const) {
      const replica = start('a');
      await clock.tickAsync(0);
      api.faults = Array.from({ length: 100 }, () => fault);
      await clock.tickAsync(9_999);
      expect(replica.isWorking).to.equal(true);
      await clock.tickAsync(1);
      expect([replica.isWorking, replica.elector.isLeading]).to.deep.equal([false, false]);
      expect(await replica.ended).to.be.instanceOf(LeaseLostError);
      api.faults = [];
      api.lease = undefined;
    }
  });

  it('survives failures that are shorter than the renew deadline', async () => {
    const replica = start('a');
    await clock.tickAsync(0);
    api.faults = ['refused', 'refused', 'hangs', 'ok'];
    await clock.tickAsync(60_000);
    expect(replica.isWorking).to.equal(true);
    await stopAll(replica);
  });

  it('recreates a deleted lease, with the fields that others wrote', async () => {
    const replica = start('a');
    await clock.tickAsync(0);
    api.lease = undefined;
    await clock.tickAsync(2_000);
    expect(api.lease).to.have.nested.property('spec.holderIdentity', 'a');
    api.relabel({ mine: 'kept' });
    await clock.tickAsync(2_000);
    expect(api.lease).to.have.nested.property('metadata.labels.mine', 'kept');
    expect(replica.isWorking).to.equal(true);
    await stopAll(replica);
  });

  for (const [what, take] of [
    ['deleted', () => (api.lease = undefined)],
    ['emptied', () => api.store({ ...api.lease!, spec: { ...api.lease?.spec, holderIdentity: '' } })],
  ] as const)
    it(`continues when the lease was ${what} and cannot be acquired again at first, without a write until it is`, async () => {
      const a = start('a');
      await clock.tickAsync(0);
      take();
      // A renewal without a read, a read, an acquisition.
      api.faults = ['ok', 'ok', 'refused', 'refused'];
      await clock.tickAsync(2_000);
      expect([a.isWorking, a.elector.isLeading]).to.deep.equal([true, false]);
      // Not a LeaseLostError: the write is worth to be tried again.
      expect(() => a.elector.assertLeading())
        .to.throw('deleted')
        .and.not.be.instanceOf(LeaseLostError);
      await clock.tickAsync(4_000);
      expect([a.isWorking, a.elector.isLeading]).to.deep.equal([true, true]);
      expect(api.lease).to.have.nested.property('spec.holderIdentity', 'a');
      await stopAll(a);
    });

  it('stops when a deleted lease cannot be recreated before the renew deadline', async () => {
    const replica = start('a');
    await clock.tickAsync(0);
    api.lease = undefined;
    api.faults = ['ok', 'ok', ...Array.from({ length: 100 }, () => 'refused' as const)];
    await clock.tickAsync(9_999);
    expect(replica.isWorking).to.equal(true);
    await clock.tickAsync(1);
    expect(await replica.ended)
      .to.be.instanceOf(LeaseLostError)
      .and.have.property('message', 'lease default/lease is not renewed within 10000 ms');
  });

  it('does not recreate at its end a lease that was deleted, whether it has observed that or not', async () => {
    for (const seenAfterMs of [0, 2_000]) {
      const replica = start('a');
      await clock.tickAsync(0);
      expect(replica.isWorking).to.equal(true);
      api.lease = undefined;
      api.faults = ['ok', 'ok', ...Array.from({ length: 3 }, () => 'refused' as const)];
      await clock.tickAsync(seenAfterMs);
      api.faults = [];
      await stopAll(replica);
      expect(api.lease).to.equal(undefined);
    }
  });

  it('leaves a deleted lease to its holder for the duration of the lease', async () => {
    api.store({ metadata: { name: 'lease', namespace: 'default' }, spec: { holderIdentity: 'gone', leaseDurationSeconds: 15 } });
    const replica = start('a');
    await clock.tickAsync(0);
    api.lease = undefined;
    await clock.tickAsync(14_999);
    expect(replica.isWorking).to.equal(false);
    await clock.tickAsync(2_000);
    expect(replica.isWorking).to.equal(true);
    await stopAll(replica);
  });

  it('stops at once when another replica holds the lease', async () => {
    const replica = start('a');
    await clock.tickAsync(0);
    api.store({ ...api.lease!, spec: { ...api.lease?.spec, holderIdentity: 'thief' } });
    await clock.tickAsync(2_000);
    expect(await replica.ended)
      .to.be.instanceOf(LeaseLostError)
      .and.have.property('message', 'lease default/lease is held by thief');
  });

  it('leads for as long as the Lease can go without a renewal, and not a moment after', async () => {
    const replica = start('a');
    expect(replica.elector.heldForMs).to.equal(0);
    await clock.tickAsync(0);
    expect(replica.elector.heldForMs).to.equal(10_000);
    await clock.tickAsync(1_500);
    expect(replica.elector.heldForMs).to.equal(8_500);
    await clock.tickAsync(500);
    expect(replica.elector.heldForMs, 'after the renewal').to.equal(10_000);
    api.faults = Array.from({ length: 20 }, () => 'refused');
    await clock.tickAsync(9_999);
    expect(replica.elector.heldForMs).to.equal(1);
    await clock.tickAsync(1);
    expect(replica.elector.heldForMs).to.equal(0);
    await stopAll(replica);
  });

  it('knows from the clock that it no longer leads, before any timer has fired, as after a freeze', async () => {
    const replica = start('a');
    await clock.tickAsync(0);
    replica.elector.assertLeading();
    clock.setSystemTime(0);
    replica.elector.assertLeading();
    clock.jump(10_000);
    expect(() => replica.elector.assertLeading()).to.throw(LeaseLostError);
    await clock.tickAsync(60_000);
    expect(await replica.ended).to.be.instanceOf(LeaseLostError);
  });

  it('fails its health check when it has lost the lease and its work does not end', async () => {
    const replica = start('a', { finishMs: 60_000 });
    await clock.tickAsync(0);
    api.faults = Array.from({ length: 10 }, () => 'refused');
    await clock.tickAsync(29_000);
    expect(replica.elector.isLeading).to.equal(false);
    expect(replica.elector.healthCheck()).to.equal(undefined);
    await clock.tickAsync(2_000);
    expect(replica.elector.healthCheck()).to.equal('the lease was last renewed 31 s ago');
    await clock.tickAsync(60_000);
    expect(replica.elector.healthCheck()).to.equal(undefined);
    expect(await replica.ended).to.be.instanceOf(LeaseLostError);
  });

  it('releases a lease that it acquired with a request that the shutdown interrupted', async () => {
    api.faults = ['ok', 'lost'];
    const replica = start('a');
    await clock.tickAsync(0);
    expect(api.lease).to.have.nested.property('spec.holderIdentity', 'a');
    await stopAll(replica);
    expect(api.lease).to.have.nested.property('spec.holderIdentity', '');
  });

  it('reports each new leader once, and its own transitions', async () => {
    const calls: string[] = [];
    const listen = {
      onNewLeader: (leader: string) => calls.push(`leader ${leader}`),
      onTransition: (what: string) => calls.push(what),
    };
    api.store({ metadata: { name: 'lease', namespace: 'default' }, spec: { holderIdentity: 'gone', leaseDurationSeconds: 15 } });
    const replica = start('a', listen);
    await clock.tickAsync(40_000);
    await stopAll(replica);
    expect(calls).to.deep.equal(['leader gone', 'leader a', 'became leader', 'stopped leading']);
  });

  it('refuses timings with which two replicas could lead', () => {
    expect(() => start('a', { leaseDurationMs: 10_000 })).to.throw(RangeError, 'leaseDurationMs');
    expect(() => start('a', { retryPeriodMs: 9_000 })).to.throw(RangeError, 'renewDeadlineMs');
    expect(() => start('')).to.throw(RangeError, 'identity');
  });

  it('never lets two replicas write, whatever fails in whatever order, also when a lease that all have seen is deleted', async () => {
    const fault = fc.constantFrom('ok' as const, 'ok' as const, 'refused' as const, 'hangs' as const, 'lost' as const);
    const step = fc.record({
      isDeleted: fc.boolean(),
      faults: fc.array(fault, { maxLength: 5 }),
      ms: fc.integer({ min: 1, max: 20_000 }),
    });
    const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async sequence => {
      api = new FakeLeases();
      const replicas = ['a', 'b', 'c'].map(identity => start(identity));
      const pass = async (ms: number) => {
        for (let left = ms; left > 0; left -= 500) {
          await clock.tickAsync(Math.min(left, 500));
          expect(replicas.filter(({ elector }) => elector.isLeading)).to.have.length.at.most(1);
        }
      };
      for (const { isDeleted, faults, ms } of sequence) {
        if (isDeleted) {
          // Long enough for one to take it and for the others to see that.
          api.faults = [];
          await pass(30_000);
          api.lease = undefined;
        }
        api.faults = faults;
        await pass(ms);
      }
      api.faults = [];
      await stopAll(...replicas);
    });
    await fc.assert(property, { numRuns: 20 });
  });
});
