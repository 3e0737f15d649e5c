// Scenarios that each aim at one rule of client-go: boundaries of counts, intervals, buckets, caches, names, errors, lifecycles.
import type { Scenario, ScenarioReference, ScenarioStep } from './scenario.ts';

const pod: ScenarioReference = { apiVersion: 'v1', kind: 'Pod', name: 'pod-1', namespace: 'ns-1', uid: 'uid-1' };
const recorder = { component: 'ctl', host: 'node-1' };

function core(extra: ScenarioStep = {}): ScenarioStep {
  return { afterMs: 1_000, recorder, object: pod, eventtype: 'Normal', reason: 'Reason', message: 'message', ...extra };
}

function on(changes: ScenarioReference): ScenarioReference {
  return { ...pod, ...changes };
}

const sleep = (afterMs: number): ScenarioStep => ({ afterMs, action: 'sleep' });
const act = (action: NonNullable<ScenarioStep['action']>, afterMs = 1_000): ScenarioStep => ({ afterMs, action });

const aggregation: readonly Scenario[] = [
  {
    name: 'aggregate-at-exactly-the-interval',
    steps: [core({ message: 'm{i}', repeat: 9 }), core({ afterMs: 600_000, message: 'late' })],
  },
  {
    name: 'aggregate-duplicates-keep-the-group-alive',
    steps: [core({ message: 'm{i}', repeat: 9 }), core({ afterMs: 599_000, message: 'm0', repeat: 3 }), core({ message: 'new' })],
  },
  { name: 'aggregate-every-event', options: { maxEvents: 1 }, steps: [core({ repeat: 3 }), core({ message: 'other' })] },
  {
    name: 'aggregate-after-a-quiet-hour',
    server: { ttlMs: 3_600_000 },
    steps: [core({ message: 'm{i}', repeat: 12 }), core({ afterMs: 3_700_000, message: 'a{i}', repeat: 12 })],
  },
  { name: 'aggregate-with-annotations', steps: [core({ message: 'm{i}', annotations: { a: '{i}' }, repeat: 12 })] },
  {
    name: 'aggregate-per-type-and-reason',
    options: { maxEvents: 3 },
    steps: [
      core({ message: 'm{i}', repeat: 3 }),
      core({ message: 'n{i}', eventtype: 'Warning', repeat: 3 }),
      core({ message: 'o{i}', reason: 'Another', repeat: 3 }),
    ],
  },
  {
    name: 'aggregate-ignores-field-path',
    options: { maxEvents: 3 },
    steps: [
      core({ message: 'm{i}', repeat: 3 }),
      core({ message: 'n{i}', object: on({ fieldPath: 'spec.containers{a}' }), repeat: 3 }),
    ],
  },
  {
    name: 'aggregate-of-an-upper-case-name',
    options: { maxEvents: 2 },
    steps: [core({ object: on({ name: 'Pod-Upper' }), message: 'm{i}', repeat: 4 })],
  },
  {
    name: 'aggregate-key-equals-a-message',
    options: { maxEvents: 2 },
    steps: [core({ message: 'ctlnode-1', repeat: 2 }), core({ message: 'm{i}', repeat: 3 })],
  },
  {
    name: 'aggregate-of-one-second',
    options: { maxIntervalInSeconds: 1, maxEvents: 2 },
    steps: [core({ message: 'm{i}', afterMs: 1_000, repeat: 4 }), core({ message: 'n{i}', afterMs: 1_001, repeat: 4 })],
  },
];

const spam: readonly Scenario[] = [
  { name: 'spam-refill-at-300-s', steps: [core({ afterMs: 0, repeat: 26 }), core({ afterMs: 300_000, repeat: 2 })] },
  {
    name: 'spam-refill-just-before-300-s',
    steps: [core({ afterMs: 0, repeat: 26 }), core({ afterMs: 299_999 }), core({ afterMs: 1 })],
  },
  {
    name: 'spam-first-occurrence-skipped',
    steps: [
      core({ afterMs: 10, repeat: 25 }),
      core({ reason: 'Another', repeat: 2 }),
      core({ afterMs: 300_000, reason: 'Another' }),
    ],
  },
  { name: 'spam-count-jumps', steps: [core({ afterMs: 100, repeat: 30 }), core({ afterMs: 300_000 })] },
  {
    name: 'spam-bucket-per-type',
    options: { burstSize: 3 },
    steps: [core({ repeat: 4 }), core({ eventtype: 'Warning', repeat: 4 })],
  },
  {
    name: 'spam-field-paths-share-a-bucket',
    options: { burstSize: 3 },
    steps: [core({ object: on({ fieldPath: 'f{i}' }), repeat: 5 })],
  },
  { name: 'spam-aggregates-share-a-bucket', options: { burstSize: 12 }, steps: [core({ message: 'm{i}', repeat: 20 })] },
  { name: 'spam-negative-burst', options: { burstSize: -1 }, steps: [core({ repeat: 3 })] },
  { name: 'spam-negative-qps', options: { burstSize: 2, qps: -1 }, steps: [core({ repeat: 4 }), core({ afterMs: 86_400_000 })] },
  {
    name: 'spam-fast-refill',
    options: { burstSize: 1, qps: 10 },
    steps: [core({ afterMs: 50, repeat: 20 }), core({ afterMs: 99, repeat: 5 }), core({ afterMs: 100, repeat: 5 })],
  },
  {
    name: 'spam-odd-rate',
    options: { burstSize: 2, qps: 0.3 },
    steps: [core({ afterMs: 1_111, repeat: 20 }), core({ afterMs: 3_333, repeat: 5 }), core({ afterMs: 3_334, repeat: 5 })],
  },
];

const caches: readonly Scenario[] = [
  {
    name: 'lru-of-one',
    options: { lruCacheSize: 1 },
    steps: [core({ repeat: 2 }), core({ object: on({ name: 'pod-2', uid: 'uid-2' }), repeat: 2 }), core({ repeat: 2 })],
  },
  { name: 'lru-negative', options: { lruCacheSize: -1 }, steps: [core({ repeat: 4 })] },
  {
    name: 'lru-evicts-the-bucket',
    options: { lruCacheSize: 1, burstSize: 2 },
    steps: [core({ repeat: 3 }), core({ object: on({ name: 'pod-2' }) }), core({ repeat: 3 })],
  },
  {
    name: 'lru-use-moves-to-front',
    options: { lruCacheSize: 2 },
    steps: [
      core({ message: 'a' }),
      core({ message: 'b' }),
      core({ message: 'a' }),
      core({ message: 'c' }),
      core({ message: 'a' }),
      core({ message: 'b' }),
    ],
  },
  {
    name: 'lru-aggregate-takes-two-slots',
    options: { lruCacheSize: 3, maxEvents: 2 },
    steps: [
      core({ message: 'm{i}', repeat: 5 }),
      core({ object: on({ name: 'pod-2' }), repeat: 2 }),
      core({ message: 'n{i}', repeat: 5 }),
    ],
  },
];

const keysAndFields: readonly Scenario[] = [
  { name: 'key-new-uid', steps: [core({ repeat: 2 }), core({ object: on({ uid: 'uid-2' }), repeat: 2 }), core({})] },
  { name: 'key-resource-version-is-none', steps: [core({ object: on({ resourceVersion: '{i}' }), repeat: 3 })] },
  {
    name: 'key-component-and-host-run-together',
    tags: ['upstream-bug'],
    steps: [core({ recorder: { component: 'ab', host: 'c' } }), core({ recorder: { component: 'a', host: 'bc' } })],
  },
  {
    name: 'key-namespace-and-name-run-together',
    tags: ['upstream-bug'],
    steps: [core({ object: on({ namespace: 'ab', name: 'c' }) }), core({ object: on({ namespace: 'a', name: 'bc' }) })],
  },
  { name: 'name-upper-case', steps: [core({ object: on({ name: 'Pod-Upper' }), repeat: 2 })] },
  { name: 'name-of-an-address', steps: [core({ object: on({ name: 'fe80::1' }), repeat: 2 })] },
  {
    name: 'name-just-short-enough',
    steps: [core({ object: on({ name: 'x'.repeat(237) }) }), core({ object: on({ name: 'x'.repeat(238) }) })],
  },
  { name: 'name-empty', steps: [core({ object: on({ name: '' }) })] },
  {
    name: 'name-same-millisecond-other-object',
    steps: [core({ afterMs: 0 }), core({ afterMs: 0, object: on({ name: 'pod-2' }) })],
  },
  {
    name: 'name-same-millisecond-same-object',
    tags: ['upstream-bug'],
    steps: [core({ afterMs: 0 }), core({ afterMs: 0, message: 'other' }), core({ message: 'other' })],
  },
  { name: 'field-empty-message', steps: [core({ message: '', repeat: 2 })] },
  { name: 'field-wrong-type', steps: [core({ eventtype: 'normal' }), core({ eventtype: '' }), core({ eventtype: 'Error' })] },
  { name: 'field-no-object', steps: [core({ object: null }), core({})] },
  { name: 'field-annotations', steps: [core({ annotations: { a: '1' }, repeat: 2 }), core({ annotations: { b: '2' } })] },
  { name: 'field-characters', steps: [core({ message: '<&> "q" \u2028 \\ ü 😀 %s %d', repeat: 2 })] },
  { name: 'field-long-message', steps: [core({ message: 'z'.repeat(3_000), repeat: 2 })] },
  { name: 'time-sub-second', steps: [core({ afterMs: 1_750, repeat: 4 })] },
  {
    name: 'time-first-timestamp-truncated',
    server: { ttlMs: 5_000 },
    steps: [core({ afterMs: 1_750, repeat: 2 }), core({ afterMs: 6_000 })],
  },
  { name: 'time-first-timestamp-not-truncated-by-echo', server: { kind: 'echo' }, steps: [core({ afterMs: 1_750, repeat: 3 })] },
  { name: 'ttl-patch-renews', server: { ttlMs: 3_000 }, steps: [core({ afterMs: 2_000, repeat: 5 }), core({ afterMs: 3_000 })] },
  { name: 'delete-all', steps: [core({ repeat: 3 }), act('deleteAll'), core({ annotations: { late: 'yes' }, repeat: 2 })] },
];

const retried = ['network', 'unexpectedObject', 'wrappedNotFound', 'wrappedForbidden', 'appliedThenNetwork'];
const final = [
  'notFound',
  'notFoundCodeOnly',
  'notFoundReasonOnly',
  'alreadyExists',
  'conflict',
  'forbidden',
  'namespaceTerminating',
  'unauthorized',
  'badRequest',
  'invalid',
  'tooManyRequests',
  'internal',
  'serviceUnavailable',
  'timeout',
  'gone',
  'requestEntityTooLarge',
  'requestConstruction',
];

const errors: readonly Scenario[] = [...retried, ...final].flatMap(
  error =>
    [
      {
        name: `error-create-${error}`,
        sinkErrors: [{ on: 'create', from: 1, times: 1, error }],
        steps: [core({}), sleep(200_000), core({ repeat: 2 })],
      },
      {
        name: `error-patch-${error}`,
        sinkErrors: [{ on: 'patch', from: 1, times: 2, error }],
        steps: [core({ repeat: 2 }), sleep(200_000), core({ repeat: 2 })],
      },
    ] satisfies Scenario[],
);

const retries: readonly Scenario[] = [
  { name: 'retry-success-at-the-twelfth', sinkErrors: [{ on: 'any', from: 1, times: 11, error: 'network' }], steps: [core({})] },
  {
    name: 'retry-limit',
    sinkErrors: [{ on: 'any', from: 1, times: 12, error: 'network' }],
    steps: [core({}), core({ afterMs: 200_000, repeat: 2 })],
  },
  {
    name: 'retry-short-sleep',
    broadcaster: { sleepMs: 100 },
    sinkErrors: [{ on: 'any', from: 1, times: 3, error: 'network' }],
    steps: [core({})],
  },
  {
    name: 'retry-holds-others-up',
    sinkErrors: [{ on: 'any', from: 1, times: 3, error: 'network' }],
    steps: [
      core({ noSettle: true }),
      core({ afterMs: 0, message: 'other', noSettle: true }),
      core({ afterMs: 0, object: on({ name: 'pod-2' }) }),
    ],
  },
  {
    name: 'retry-queue-overflows',
    sinkErrors: [{ on: 'any', from: 1, times: 1, error: 'network' }],
    options: { burstSize: 2_000 },
    steps: [core({ afterMs: 0 }), core({ afterMs: 0, message: 'm', repeat: 1_020 })],
  },
  {
    name: 'retry-fallback-fails',
    sinkErrors: [{ on: 'create', from: 2, times: 2, error: 'network' }],
    steps: [core({}), act('deleteAll'), core({})],
  },
];

const lifecycle: readonly Scenario[] = [
  { name: 'life-start-late', tags: ['startWithoutSink'], steps: [core({}), act('startSink'), core({ repeat: 2 })] },
  { name: 'life-stop-and-start', steps: [core({}), act('stopSink'), core({ repeat: 2 }), act('startSink'), core({ repeat: 2 })] },
  { name: 'life-shutdown-settled', steps: [core({}), act('shutdown'), core({ repeat: 2 })] },
  { name: 'life-cancel-settled', steps: [core({}), act('cancel'), core({ repeat: 2 })] },
  {
    name: 'life-cancel-during-retry',
    sinkErrors: [{ on: 'any', from: 1, times: 12, error: 'network' }],
    steps: [core({}), act('cancel', 60_000)],
  },
  {
    name: 'life-shutdown-during-retry',
    sinkErrors: [{ on: 'any', from: 1, times: 12, error: 'network' }],
    steps: [core({}), act('shutdown', 60_000)],
  },
  {
    name: 'life-two-sinks',
    tags: ['nondeterministic'],
    server: { kind: 'echo' },
    steps: [core({}), act('startSink'), core({ repeat: 2 })],
  },
  { name: 'life-shutdown-twice', steps: [core({}), act('shutdown'), act('shutdown'), act('startSink'), core({})] },
];

export function directedScenarios(): readonly Scenario[] {
  return [...aggregation, ...spam, ...caches, ...keysAndFields, ...errors, ...retries, ...lifecycle];
}
