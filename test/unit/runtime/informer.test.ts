import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { ApiError, ResponseTooLargeError } from '../../../src/kube/api-error.ts';
import type { InformerOptions } from '../../../src/runtime/informer-options.ts';
import { Informer } from '../../../src/runtime/informer.ts';
import type { KubeObject, WatchEvent } from '../../../src/kube/client.ts';
import type { ListOptions, WatchOptions } from '../../../src/kube/client-options.ts';
import { pods } from '../../support/fakes/fake-api-server.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

const object = (name: string, version: number, uid = `uid-${name}`): KubeObject => ({
  metadata: { name, namespace: 'default', uid, resourceVersion: String(version) },
});
const added = (name: string, version: number, uid?: string) => ({ type: 'ADDED' as const, object: object(name, version, uid) });
const deleted = (name: string, version: number) => ({ type: 'DELETED' as const, object: object(name, version) });
const bookmark = (version: number, annotations?: Record<string, string>) => ({
  type: 'BOOKMARK' as const,
  object: { metadata: { resourceVersion: String(version), ...(annotations === undefined ? {} : { annotations }) } },
});
const endOfList = (version: number) => bookmark(version, { 'k8s.io/initial-events-end': 'true' });
const gone = new ApiError('watch pods', 410, { reason: 'Expired' });

type Step = WatchEvent<KubeObject> | Error | 'end';

/** Each watch gives what its script says, and then stays open until it is stopped. */
class ScriptedClient {
  readonly watches: WatchOptions[] = [];
  readonly lists: ListOptions[] = [];
  openWatches = 0;
  readonly scripts: Step[][] = [];
  readonly pages: (object | Error)[] = [];

  readonly #ends = new Set<() => void>();

  /** As the API server does after the time that the client asks for. */
  endWatches(): void {
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  get client(): InformerOptions<KubeObject>['client'] {
    return this as unknown as InformerOptions<KubeObject>['client'];
  }

  list = (_type: unknown, options: ListOptions) => {
    this.lists.push(options);
    const page = this.pages.shift() ?? { metadata: { resourceVersion: '1000' }, items: [] };
    return page instanceof Error ? Promise.reject(page) : Promise.resolve(page);
  };

  watch = (_type: unknown, options: WatchOptions) => this.#watch(options);

  async *#watch(options: WatchOptions): AsyncGenerator<WatchEvent<KubeObject>, void> {
    this.watches.push(options);
    this.openWatches += 1;
    try {
      for (const step of this.scripts.shift() ?? []) {
        await Promise.resolve();
        if (step === 'end') return;
        if (step instanceof Error) throw step;
        yield step;
      }
      await new Promise<void>((resolve, reject) => {
        this.#ends.add(resolve);
        options.signal?.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
      });
    } finally {
      this.openWatches -= 1;
    }
  }
}

describe('Informer', () => {
  let clock: Clock;
  let api: ScriptedClient;
  let stop: AbortController;
  let changes: string[];
  let informer: Informer<KubeObject>;
  let running: Promise<void>;
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    api = new ScriptedClient();
    stop = new AbortController();
    changes = [];
  });
  afterEach(async () => {
    stop.abort(new Error('stop'));
    await running;
    expect(api.openWatches, 'a watch is left open').to.equal(0);
    expect(clock.countTimers(), 'a timer is left').to.equal(0);
    clock.uninstall();
  });

  const start = async (...scripts: Step[][]): Promise<void> => {
    api.scripts.push(...scripts);
    informer = new Informer({ client: api.client, type: pods, logger: new RecordingLogger(), random: () => 0 });
    informer.changes.subscribe(({ type, object: { metadata } }) =>
      changes.push(`${type} ${metadata?.name ?? ''}@${metadata?.resourceVersion ?? ''}`),
    );
    running = informer.run(stop.signal);
    await clock.tickAsync(0);
  };

  it('lists with a watch, and has synced at the bookmark that ends the initial events', async () => {
    await start([added('a', 3), added('b', 2)]);
    expect([informer.hasSynced, informer.list().length]).to.deep.equal([false, 0]);
    stop.abort(new Error('stop'));
    await running;
    stop = new AbortController();
    await start([added('a', 3), added('b', 2), endOfList(5), added('c', 6), deleted('a', 7)]);
    expect(changes).to.deep.equal(['added a@3', 'added b@2', 'added c@6', 'deleted a@7']);
    expect(api.watches.at(-1)).to.include({
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    });
    expect(api.watches.at(-1)).to.include({ resourceVersion: '', timeoutSeconds: 300, idleTimeoutMs: 150_000 });
    await informer.whenSynced();
  });

  it('continues after a watch at the last event or bookmark, without relisting', async () => {
    await start([endOfList(5), added('a', 6), bookmark(9), 'end']);
    await clock.tickAsync(800);
    expect(api.watches.map(({ resourceVersion, sendInitialEvents }) => [resourceVersion, sendInitialEvents])).to.deep.equal([
      ['', true],
      ['9', undefined],
    ]);
    expect(api.lists).to.deep.equal([]);
  });

  it('transforms each object once, as it arrives, and holds no page of untransformed ones', async () => {
    const seen: string[] = [];
    const transform = (object: KubeObject): KubeObject => {
      seen.push(object.metadata?.name ?? '');
      expect(object.metadata).not.to.have.property('managedFields');
      return object;
    };
    const whole = (name: string): KubeObject => ({ metadata: Object.assign({ managedFields: [{}] }, object(name, 1).metadata) });
    api.scripts.push([{ type: 'ADDED', object: whole('a') }, new Error('reset')], [{ type: 'ADDED', object: whole('d') }]);
    api.pages.push({ metadata: { resourceVersion: '7', continue: 'next' }, items: [whole('b')] });
    api.pages.push({ metadata: { resourceVersion: '7' }, items: [whole('c')] });
    const seenBefore: string[][] = [];
    const { list } = api;
    api.list = (type, options) => {
      seenBefore.push([...seen]);
      return list(type, options);
    };
    informer = new Informer({ client: api.client, type: pods, logger: new RecordingLogger(), random: () => 0, transform });
    running = informer.run(stop.signal);
    await clock.tickAsync(800);
    expect(seenBefore).to.deep.equal([['a'], ['a', 'b']]);
    expect(seen).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('skips and logs an object whose transform throws, and keeps the others and what it had of that one', async () => {
    const logger = new RecordingLogger();
    const malformed = (name: string, version: number): KubeObject => ({ ...object(name, version), kind: 'Malformed' });
    const transform = (whole: KubeObject): KubeObject => {
      if (whole.kind === 'Malformed') throw new TypeError('no spec');
      return whole;
    };
    api.scripts.push([
      ...[{ type: 'ADDED' as const, object: malformed('a', 1) }, added('b', 2), endOfList(3)],
      ...[{ type: 'MODIFIED' as const, object: malformed('b', 4) }, added('c', 5)],
      ...[{ type: 'DELETED' as const, object: malformed('b', 6) }, bookmark(7)],
    ]);
    informer = new Informer({ client: api.client, type: pods, logger, random: () => 0, transform });
    informer.changes.subscribe(({ type, object: { metadata } }) => changes.push(`${type} ${metadata?.name ?? ''}`));
    running = informer.run(stop.signal);
    await clock.tickAsync(0);
    expect(changes).to.deep.equal(['added b', 'added c', 'deleted b']);
    expect(informer.failure).to.equal(undefined);
    expect(logger.entries.map(({ fields }) => fields['key'])).to.deep.equal(['default/a', 'default/b', 'default/b']);
  });

  it('skips and logs an object for which an index function throws, and serves the others by their index', async () => {
    const logger = new RecordingLogger();
    const indexers = {
      byApp: ({ metadata }: KubeObject) => {
        if (metadata?.labels === undefined) throw new TypeError('no labels');
        return [metadata.labels['app'] ?? ''];
      },
    };
    const labelled = (name: string, version: number) => {
      const { metadata, ...rest } = object(name, version);
      return { ...rest, metadata: { ...metadata, labels: { app: 'web' } } };
    };
    api.scripts.push([
      ...[added('a', 1), { type: 'ADDED' as const, object: labelled('b', 2) }, endOfList(3)],
      ...[{ type: 'ADDED' as const, object: labelled('c', 4) }, added('b', 5), bookmark(6)],
    ]);
    informer = new Informer({ client: api.client, type: pods, logger, random: () => 0, indexers });
    running = informer.run(stop.signal);
    await clock.tickAsync(0);
    expect(informer.byIndex('byApp', 'web').map(({ metadata }) => metadata?.name)).to.deep.equal(['b', 'c']);
    expect(logger.entries.map(({ fields }) => fields['key'])).to.deep.equal(['default/a', 'default/b']);
  });

  it('relists when its version has expired, not older than what it has seen, and emits the missed changes', async () => {
    await start(
      [added('a', 1), added('b', 2), added('c', 3), endOfList(5), gone],
      [added('b', 2), added('c', 3, 'other'), added('d', 9), endOfList(9)],
    );
    changes.length = 0;
    await clock.tickAsync(800);
    expect(api.watches[1]).to.include({ resourceVersion: '5', sendInitialEvents: true });
    expect(changes).to.deep.equal(['deleted a@1', 'deleted c@3', 'added c@3', 'added d@9']);
  });

  it('relists within a second when the version that it continued from has expired, however long it has backed off before', async () => {
    const failure = new Error('connect ECONNREFUSED');
    const outage = Array.from({ length: 5 }, () => [failure]);
    await start([endOfList(5), failure], ...outage, [gone], [gone], [endOfList(9)]);
    // 0.8 s, doubled five times; the delay of the relist is random, and here as short as it can be.
    await clock.tickAsync(800 * 63 + 1);
    expect(api.watches.map(({ sendInitialEvents = false }) => sendInitialEvents)).to.deep.equal([
      true,
      ...outage.map(() => false),
      false,
      true,
    ]);
    // A list that expires as well backs off.
    await clock.tickAsync(29_999);
    expect(api.watches).to.have.length(8);
    await clock.tickAsync(1);
    expect(api.watches).to.have.length(9);
  });

  it('backs off from the beginning after a watch that worked for ten seconds', async () => {
    const failure = new Error('connect ECONNREFUSED');
    await start([endOfList(5), failure], [failure], [failure], []);
    await clock.tickAsync(800 * 7);
    expect(api.watches).to.have.length(4);
    api.scripts.push([failure], []);
    await clock.tickAsync(9_999);
    api.endWatches();
    await clock.tickAsync(0);
    expect(api.watches).to.have.length(5);
    await clock.tickAsync(6_399);
    expect(api.watches).to.have.length(5);
    await clock.tickAsync(1);
    expect(api.watches).to.have.length(6);
    api.scripts.push([failure], []);
    await clock.tickAsync(10_000);
    api.endWatches();
    await clock.tickAsync(800);
    expect(api.watches).to.have.length(8);
  });

  it('ends the watch at an ERROR event, and relists if that is a 410', async () => {
    const error = { type: 'ERROR' as const, object: { kind: 'Status', code: 410, reason: 'Expired' } };
    await start([endOfList(5), error], [endOfList(8)]);
    await clock.tickAsync(800);
    expect(api.watches[1]).to.include({ sendInitialEvents: true });
  });

  it('lists in pages if the API server does not support initial events, at once and from then on', async () => {
    api.pages.push({ metadata: { resourceVersion: '7', continue: 'next' }, items: [object('a', 1)] });
    api.pages.push({ metadata: { resourceVersion: '7', continue: '' }, items: [object('b', 2)] });
    await start([new ApiError('watch pods', 422, { reason: 'Invalid' })], [gone]);
    expect(changes).to.deep.equal(['added a@1', 'added b@2']);
    expect(api.lists.map(each => [each.limit, each.continue])).to.deep.equal([
      [500, undefined],
      [500, 'next'],
    ]);
    expect(informer.get('default/a')).to.include({ apiVersion: 'v1', kind: 'Pod' });
    await clock.tickAsync(800);
    expect(api.watches.map(({ sendInitialEvents }) => sendInitialEvents)).to.deep.equal([true, undefined, undefined]);
  });

  it('lists in pages while the watch cache of a new custom resource is not ready (429), and with a watch the next time', async () => {
    api.pages.push({ metadata: { resourceVersion: '7' }, items: [object('a', 1)] });
    const tooEarly = new ApiError('watch pods', 429, { reason: 'TooManyRequests', message: 'storage is (re)initializing' });
    await start([tooEarly], [gone], [endOfList(9)]);
    expect(changes).to.deep.equal(['added a@1']);
    expect(api.watches[1]).to.include({ resourceVersion: '7' }).and.not.to.have.property('sendInitialEvents');
    await clock.tickAsync(800);
    expect(api.watches[2]).to.include({ sendInitialEvents: true });
  });

  it('lists in smaller pages when one has more bytes than the client reads', async () => {
    const tooLarge = new Error('list pods', { cause: new ResponseTooLargeError(1) });
    api.pages.push(tooLarge, tooLarge, { metadata: { resourceVersion: '5', continue: 'more' }, items: [object('a', 1)] });
    api.pages.push({ metadata: { resourceVersion: '5' }, items: [object('b', 2)] });
    await start([new ApiError('watch pods', 400, {})], []);
    expect(api.lists.map(({ limit, continue: token }) => [limit, token])).to.deep.equal([
      ...[
        [500, undefined],
        [250, undefined],
      ],
      ...[
        [125, undefined],
        [125, 'more'],
      ],
    ]);
    expect(changes).to.deep.equal(['added a@1', 'added b@2']);
  });

  it('lists without pages when the remaining pages have expired', async () => {
    api.pages.push({ metadata: { continue: 'next' }, items: [object('a', 1)] }, gone);
    api.pages.push({ metadata: { resourceVersion: '9' }, items: [object('b', 2)] });
    await start([new ApiError('watch pods', 400, {})]);
    expect(changes).to.deep.equal(['added b@2']);
  });

  it('backs off after each failure, up to 30 s, and keeps its copy meanwhile', async () => {
    const failure = new Error('connect ECONNREFUSED');
    await start([endOfList(5), failure], ...Array.from({ length: 8 }, () => [failure]));
    const waits: number[] = [];
    for (let seen = 1; seen < 9; seen += 1) {
      const fromMs = performance.now();
      while (api.watches.length === seen) await clock.nextAsync();
      waits.push(performance.now() - fromMs);
    }
    expect(waits).to.deep.equal([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    expect(informer.hasSynced).to.equal(true);
  });

  it('warns about the same failure once in ten minutes', async () => {
    const failures = Array.from({ length: 40 }, (): Step[] => [new ApiError('watch pods', 403, { reason: 'Forbidden' })]);
    api.pages.push(...failures.flat().map(step => step as Error));
    const logger = new RecordingLogger();
    api.scripts.push(...failures);
    informer = new Informer({ client: api.client, type: pods, logger, random: () => 0 });
    running = informer.run(stop.signal);
    const warnings = () => logger.entries.filter(({ level }) => level === 'warn').length;
    await clock.tickAsync(599_000);
    expect(warnings()).to.equal(1);
    expect(informer.failure).to.have.property('code', 403);
    await clock.tickAsync(60_000);
    expect(warnings()).to.equal(2);
  });

  it('relists without a version when the API server has never had it (etcd was restored from a backup)', async () => {
    const tooLarge = new ApiError('watch', 504, {
      reason: 'Timeout',
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
    });
    api.pages.push({ metadata: { resourceVersion: '3' }, items: [] });
    await start([added('a', 900), endOfList(999), tooLarge], [endOfList(3)]);
    await clock.tickAsync(800);
    expect(api.watches[1]).to.include({ resourceVersion: '', sendInitialEvents: true });
    expect(changes.at(-1)).to.equal('deleted a@900');
  });

  it('relists when a watch failed and the newest version is below what it has seen (etcd was restored from a backup)', async () => {
    api.pages.push({ metadata: { resourceVersion: '99', continue: 'more' }, items: [object('a', 40)] });
    await start([added('a', 90), added('b', 100), endOfList(100), new Error('reset')], [added('a', 40), endOfList(99)]);
    changes.length = 0;
    await clock.tickAsync(800);
    expect(api.lists).to.have.length(1);
    expect(api.lists[0]).to.include({ limit: 1, maxTries: 1 }).and.not.to.have.property('resourceVersion');
    expect(api.watches[1]).to.include({ resourceVersion: '', sendInitialEvents: true });
    expect(changes).to.deep.equal(['deleted b@100', 'updated a@40']);
  });

  it('continues where it was when a watch failed, unless the newest version is below that, and reads that version again if the read failed', async () => {
    api.pages.push(new ApiError('list pods', 429, { reason: 'TooManyRequests' }), {
      metadata: { resourceVersion: '100' },
      items: [],
    });
    await start([endOfList(100), new Error('reset')], ['end'], ['end'], ['end']);
    await clock.tickAsync(800);
    expect([api.lists.length, api.watches.length]).to.deep.equal([1, 2]);
    expect(api.watches[1]).to.include({ resourceVersion: '100' }).and.not.to.have.property('sendInitialEvents');
    await clock.tickAsync(1_600);
    expect([api.lists.length, api.watches.length]).to.deep.equal([2, 3]);
    await clock.tickAsync(3_200);
    expect([api.lists.length, api.watches.length]).to.deep.equal([2, 4]);
  });

  it('rejects whenSynced when its signal aborts', async () => {
    await start([]);
    const waiting = new AbortController();
    const outcome = informer.whenSynced(waiting.signal).catch((error: unknown) => error);
    waiting.abort('enough');
    expect(await outcome).to.equal('enough');
  });

  it('stops in a pause as well as in a watch', async () => {
    await start([new Error('connect ECONNREFUSED')]);
    expect(clock.countTimers()).to.equal(1);
  });
});
