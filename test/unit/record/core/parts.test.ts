import { expect } from 'chai';
import fc from 'fast-check';
import { ApiError } from '../../../../src/kube/api-error.ts';
import { FakeRecorder, newFakeRecorder } from '../../../../src/record/core/fake-recorder.ts';
import { formatMessage } from '../../../../src/logging/format-message.ts';
import { LruCache } from '../../../../src/collections/lru-cache.ts';
import { TokenBucket } from '../../../../src/time/token-bucket.ts';
import { classifyFailure, RequestConstructionError } from '../../../../src/record/pipeline/event-writer.ts';
import { networkError, pod, status } from './fakes.ts';

describe('LruCache', () => {
  it('remembers the entries used last, as a plain list would', () => {
    const operation = fc.tuple(fc.constantFrom('get', 'set', 'getOrCreate', 'delete'), fc.constantFrom('a', 'b', 'c', 'd', 'e'));
    fc.assert(
      fc.property(fc.integer({ min: -1, max: 3 }), fc.array(operation, { maxLength: 40 }), (size, operations) => {
        const cache = new LruCache<number>(size);
        let model: [string, number][] = [];
        for (const [value, [what, key]] of operations.entries()) {
          const known = model.find(([other]) => other === key);
          if (what === 'get') expect(cache.get(key)).to.equal(known?.[1]);
          if (what === 'set') cache.set(key, value);
          if (what === 'getOrCreate') expect(cache.getOrCreate(key, () => value)).to.equal(known?.[1] ?? value);
          if (what === 'delete') cache.delete(key);
          const kept = model.filter(([other]) => other !== key);
          if (what === 'set') model = [...kept, [key, value]];
          if (what === 'delete') model = kept;
          if (what === 'get' && known !== undefined) model = [...kept, known];
          if (what === 'getOrCreate') model = [...kept, known ?? [key, value]];
          if (model.length > Math.max(0, size)) model = model.slice(1);
          expect(cache.size).to.equal(model.length);
        }
      }),
    );
  });
});

describe('TokenBucket', () => {
  it('lets through exactly its burst and the tokens gained since', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: -500, max: 3000 }), { maxLength: 60 }),
        (burst, gaps) => {
          const bucket = new TokenBucket({ qps: 1, burst });
          let [now, tokens, last] = [0, burst, 0];
          for (const gap of gaps) {
            now += gap;
            const there = Math.min(burst, tokens + Math.max(0, now - last) / 1000);
            const isAccepted = bucket.tryAccept(now);
            if (Math.abs(there - 1) > 1e-6) expect(isAccepted).to.equal(there >= 1);
            if (isAccepted) [tokens, last] = [there - 1, now];
            else expect(bucket.msUntilToken(now)).to.be.closeTo((1 - there) * 1000, 1e-3);
          }
        },
      ),
    );
  });

  it('gives a token 299.9999927 s after the last, by Go’s float32', () => {
    const bucket = new TokenBucket({ qps: Math.fround(1 / 300), burst: 1 });
    expect(bucket.tryAccept(0)).to.equal(true);
    expect(bucket.msUntilToken(0)).to.equal(299_999.992735);
    expect(bucket.tryAccept(299_999.99)).to.equal(false);
    expect(bucket.tryAccept(299_999.993)).to.equal(true);
  });
});

describe('classifyFailure', () => {
  const clientNode = (code: number, body: unknown, headers: object = {}): Error =>
    Object.assign(new Error(`HTTP-Code: ${code}`), { code, body, headers });
  const wrapped = new Error('wrapped', { cause: status(404, 'NotFound') });

  for (const [what, error, expected] of [
    ['an ApiError', status(404, 'NotFound'), { kind: 'status', code: 404, reason: 'NotFound' }],
    ['an ApiError without a code', status(0, 'NotFound'), { kind: 'status', code: 0, reason: 'NotFound' }],
    [
      'an ApiException with a parsed body',
      clientNode(409, { kind: 'Status', reason: 'AlreadyExists' }),
      { kind: 'status', code: 409, reason: 'AlreadyExists' },
    ],
    [
      'an ApiException with its text',
      clientNode(409, '{"kind":"Status","reason":"AlreadyExists"}'),
      { kind: 'status', code: 409, reason: 'AlreadyExists' },
    ],
    ['an answer that is not the API server’s', clientNode(502, '<html>'), { kind: 'status', code: 502, reason: undefined }],
    ['Retry-After in a header', clientNode(429, '', { 'retry-after': '7' }), { retryAfterSeconds: 7 }],
    ['Retry-After that is no number', clientNode(429, '', { 'retry-after': 'Fri, 01 Jan' }), { retryAfterSeconds: undefined }],
    [
      'Retry-After in the details',
      clientNode(429, { kind: 'Status', details: { retryAfterSeconds: 3 } }),
      { retryAfterSeconds: 3 },
    ],
    ['Retry-After of an ApiError', new ApiError('create', 503, {}, 2), { retryAfterSeconds: 2 }],
    [
      'a terminating namespace',
      status(403, 'Forbidden', { details: { causes: [{ reason: 'NamespaceTerminating' }] } }),
      { causes: [{ reason: 'NamespaceTerminating' }] },
    ],
    ['a broken connection', networkError(), { kind: 'unreachable' }],
    ['a failed fetch', new TypeError('fetch failed', { cause: networkError() }), { kind: 'unreachable' }],
    ['an abort, whose legacy code is 20', new DOMException('aborted', 'AbortError'), { kind: 'unreachable' }],
    [
      'a timeout',
      AbortSignal.timeout(0).aborted ? new Error() : new DOMException('late', 'TimeoutError'),
      { kind: 'unreachable' },
    ],
    ['a request that cannot be built', new RequestConstructionError('no'), { kind: 'construction' }],
    ['JavaScript’s own error for that', new TypeError('Converting circular structure to JSON'), { kind: 'construction' }],
    ['something that is no error', 'text', { kind: 'unreachable' }],
  ] as const)
    it(`knows ${what}`, () => {
      expect(classifyFailure(error, true)).to.deep.include(expected);
    });

  it('finds a status within another error only if asked for', () => {
    expect(classifyFailure(wrapped, true)).to.include({ kind: 'status', code: 404 });
    expect(classifyFailure(wrapped, false)).to.deep.equal({ kind: 'unreachable' });
  });
});

describe('formatMessage', () => {
  for (const [expected, format, ...args] of [
    ['lost node-2 after 6 blocks', 'lost %s after %d blocks', 'node-2', 6],
    ['100% %s', '%d%% %s', 100],
    ['100%% %s', '100%% %s'],
    ['3 2.5 NaN', '%i %f %d', '3.9', '2.5x', 'x'],
    ['{"a":1} [1] undefined', '%j %o %j', { a: 1 }, [1], undefined],
    ['a b {"c":1}', 'a', 'b', { c: 1 }],
    ['12 oops null', '%d %s %s', 12n, new Error('oops'), null],
    ['', '%c', 'color: red'],
  ] as const)
    it(`makes ${JSON.stringify(expected)} of ${JSON.stringify(format)}`, () => {
      expect(formatMessage(format, args)).to.equal(expected);
    });

  it('formats values that JSON cannot hold', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(formatMessage('%j %i', [circle, 5n])).to.equal('[Circular] 5');
  });
});

describe('FakeRecorder', () => {
  it('keeps each event as a line, without a limit, and emits it to subscribers', () => {
    const recorder = newFakeRecorder();
    const received: string[] = [];
    recorder.events$.subscribe(line => received.push(line));
    recorder.event(pod, 'Normal', 'Started', '100 %');
    recorder.annotatedEvent(pod, { b: '2', a: '1' }, 'Warning', 'Failed', 'badly');
    recorder.withLogger().eventf(pod, 'Normal', 'Counted', '%d blocks', 3);
    recorder.annotatedEventf(pod, {}, 'Normal', 'Counted', '%d blocks', 4);
    expect(recorder.events).to.deep.equal([
      'Normal Started 100 %',
      'Warning Failed badly map[a:1 b:2]',
      'Normal Counted 3 blocks',
      'Normal Counted 4 blocks',
    ]);
    expect(received).to.deep.equal(recorder.events);
  });

  it('includes the object with includeObject', () => {
    const recorder = new FakeRecorder({ includeObject: true });
    recorder.event(pod, 'Normal', 'Started', 'x');
    recorder.event(null as never, 'Normal', 'Started', 'y');
    expect(recorder.events).to.deep.equal([
      'Normal Started x involvedObject{kind=Pod,apiVersion=v1}',
      'Normal Started y involvedObject{kind=,apiVersion=}',
    ]);
  });
});
