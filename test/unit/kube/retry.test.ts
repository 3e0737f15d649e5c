import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { ApiError, isResponseTooLarge } from '../../../src/kube/api-error.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { Metrics } from '../../../src/metrics/prometheus.ts';
import {
  cutOff,
  fail,
  FakeApiServer,
  type Handler,
  pods,
  reset,
  silence,
  thrownBy,
} from '../../support/fakes/fake-api-server.ts';
import { until } from '../../support/until.ts';

const at = { namespace: 'default', name: 'x' };

describe('RetryingTransport', () => {
  let server: FakeApiServer;
  let client: KubeClient;
  let clock: Clock;
  let answersBegun = 0;
  const onHead = (): void => void (answersBegun += 1);
  before(() => subscribe('http.client.response.finish', onHead));
  after(() => unsubscribe('http.client.response.finish', onHead));
  beforeEach(async () => {
    server = await FakeApiServer.start();
    clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    // The client's token bucket must have been filled by this clock.
    client = server.client();
  });
  afterEach(async () => {
    await server.stop();
    expect(clock.countTimers(), 'a timer is left').to.equal(0);
    clock.uninstall();
  });

  /** Begins an answer and says no more. */
  const begin =
    (code: number): Handler =>
    (_, response) =>
      void response.writeHead(code, { 'Content-Type': 'application/json' }).write('{');

  /** Lets time pass, as much as is waited for, until the call is over. Answers how long it took. */
  const settled = async <T>(call: Promise<T>): Promise<{ result: T | Error; waitedMs: number }> => {
    const outcome: { result?: T | Error } = {};
    const startedMs = performance.now();
    void call.then(
      result => (outcome.result = result),
      (error: unknown) => (outcome.result = error as Error),
    );
    await until(() => {
      if (outcome.result === undefined && clock.countTimers() > 1) clock.next();
      return outcome.result !== undefined;
    });
    return { result: outcome.result as T | Error, waitedMs: performance.now() - startedMs };
  };

  it('retries a 429 after its Retry-After, whatever the method, since nothing was executed', async () => {
    for (const write of [
      () => client.get(pods, at),
      () => client.create(pods, { metadata: at }),
      () => client.patch(pods, at, [], { patchType: 'json' }),
    ]) {
      server.queue.push(
        fail(429, 'TooManyRequests', { 'Retry-After': '3' }),
        fail(429, 'TooManyRequests', { 'Retry-After': '1' }),
      );
      const { result, waitedMs } = await settled(write());
      expect(result).to.deep.equal({});
      expect(waitedMs).to.equal(4_000);
    }
  });

  it('retries a 5xx with Retry-After, whatever the method (client-go rest/with_retry.go, checkWait)', async () => {
    server.queue.push(fail(503, 'ServiceUnavailable', { 'Retry-After': '2' }));
    expect((await settled(client.create(pods, { metadata: at }))).waitedMs).to.equal(2_000);
    expect(server.requests).to.have.length(2);
  });

  for (const [what, handler] of Object.entries({
    'a 500': fail(500, 'InternalError'),
    'a reset': reset,
    'an answer cut off': cutOff,
  })) {
    it(`retries an idempotent request after ${what}, with backoff`, async () => {
      for (const call of [
        () => client.get(pods, at),
        () => client.apply(pods, { metadata: at }, { fieldManager: 'me' }),
        () => client.replace(pods, { metadata: at }),
        () => client.patch(pods, at, {}, { patchType: 'merge' }),
        () => client.delete(pods, at),
      ]) {
        server.queue.push(handler, handler, handler);
        const { result, waitedMs } = await settled(call());
        expect(result).to.deep.equal({});
        expect(waitedMs).to.be.within(350, 700);
      }
    });

    it(`does not retry a non-idempotent request after ${what}`, async () => {
      for (const call of [() => client.create(pods, { metadata: at }), () => client.patch(pods, at, [], { patchType: 'json' })]) {
        server.queue.push(handler);
        expect((await settled(call())).result).to.be.instanceOf(Error);
      }
      expect(server.requests).to.have.length(2);
    });
  }

  it('gives up after ten requests', async () => {
    server.handler = fail(500, 'InternalError');
    const { result } = await settled(client.get(pods, at, { timeoutMs: 600_000 }));
    expect(result).to.be.instanceOf(ApiError).and.have.property('code', 500);
    expect(server.requests).to.have.length(10);
  });

  it('does not wait for a retry that would come after the deadline', async () => {
    server.handler = fail(429, 'TooManyRequests', { 'Retry-After': '31' });
    const { result, waitedMs } = await settled(client.get(pods, at));
    expect(result).to.have.property('code', 429);
    expect(waitedMs).to.equal(0);
  });

  it('does not retry a permanent refusal', async () => {
    for (const [code, reason] of [
      [400, 'BadRequest'],
      [403, 'Forbidden'],
      [404, 'NotFound'],
      [409, 'Conflict'],
      [422, 'Invalid'],
      [501, 'NotImplemented'],
    ] as const) {
      server.queue.push(fail(code, reason));
      expect((await settled(client.get(pods, at))).result).to.have.property('code', code);
    }
    expect(server.requests).to.have.length(6);
  });

  it('fails at its deadline when no response comes, with an error that says so', async () => {
    server.handler = silence;
    const call = client.get(pods, at, { timeoutMs: 5_000 }).catch((error: unknown) => error as Error);
    await until(() => server.requests.length === 1);
    clock.tick(5_000);
    expect(await call).to.have.property('message', 'get pods default/x: no answer within 5000 ms');
    await until(() => server.sockets.size === 0);
  });

  it('fails with the same error when the deadline comes in the middle of a response', async () => {
    for (const code of [200, 500]) {
      server.handler = begin(code);
      const heads = answersBegun;
      const call = thrownBy(client.get(pods, at, { timeoutMs: 5_000 }));
      await until(() => answersBegun > heads);
      clock.tick(5_000);
      expect((await call).message).to.equal('get pods default/x: no answer within 5000 ms');
      await until(() => server.sockets.size === 0);
    }
  });

  it('reads no more than 64 KiB of an error and 32 MiB of an answer, and does not retry what is too large', async () => {
    let sent = 0;
    const endless =
      (code: number): Handler =>
      (_, response) => {
        response.writeHead(code, { 'Content-Type': 'application/json' });
        const write = (): void => {
          while (!response.destroyed && response.write('x'.repeat(64 * 1024))) sent += 64 * 1024;
          if (!response.destroyed) response.once('drain', write);
        };
        write();
      };
    server.handler = endless(404);
    expect(await thrownBy(client.get(pods, at))).to.include({ code: 404, reason: undefined });
    expect(sent).to.be.below(32 * 1024 * 1024);
    await until(() => server.sockets.size === 0);
    server.handler = endless(200);
    const error = await thrownBy(client.get(pods, at));
    expect(error.message).to.equal('get pods default/x: the response has more than 33554432 bytes');
    expect(isResponseTooLarge(error)).to.equal(true);
    expect(server.requests).to.have.length(2);
    await until(() => server.sockets.size === 0);
  });

  it("rejects with the reason of the caller's signal at any moment: before, in a pause, in a request, in a response", async () => {
    const reason = new Error('stop');
    const called = async (abortWhen: () => boolean, handler: typeof silence) => {
      const controller = new AbortController();
      server.handler = handler;
      const call = thrownBy(client.get(pods, at, { signal: controller.signal }));
      await until(abortWhen);
      controller.abort(reason);
      return call;
    };
    expect(await called(() => true, silence)).to.equal(reason);
    expect(await called(() => server.requests.length === 1, silence)).to.equal(reason);
    const heads = answersBegun;
    expect(await called(() => answersBegun > heads, begin(200))).to.equal(reason);
    const seen = server.requests.length;
    expect(await called(() => server.requests.length > seen && clock.countTimers() === 2, fail(500, 'InternalError'))).to.equal(
      reason,
    );
  });

  it('sends no more requests than its rate limit allows, except for unthrottled ones', async () => {
    const slow = server.client({ qps: 2, burst: 2 });
    const waits = Array.from({ length: 4 }, () => slow.get(pods, at));
    await slow.get(pods, at, { isUnthrottled: true });
    await until(() => server.requests.length === 3);
    clock.tick(500);
    await until(() => server.requests.length === 4);
    clock.tick(500);
    await Promise.all(waits);
    expect(server.requests).to.have.length(5);
  });

  it('counts requests, retries and failures under the names of client-go', async () => {
    const metrics = new Metrics();
    const measured = server.client({ metrics: metrics.restClient });
    server.queue.push(fail(429, 'TooManyRequests', { 'Retry-After': '1' }), reset);
    await settled(measured.apply(pods, { metadata: at }, { fieldManager: 'me' }));
    const host = server.url.slice('http://'.length);
    const text = await metrics.text();
    for (const line of [
      `rest_client_requests_total{code="429",method="PATCH",host="${host}"} 1`,
      `rest_client_requests_total{code="<error>",method="PATCH",host="${host}"} 1`,
      `rest_client_requests_total{code="200",method="PATCH",host="${host}"} 1`,
      `rest_client_request_retries_total{code="<error>",verb="APPLY",host="${host}"} 1`,
      `rest_client_request_retries_total{code="200",verb="APPLY",host="${host}"} 1`,
      `rest_client_request_duration_seconds_count{verb="APPLY",host="${host}"} 3`,
      `rest_client_rate_limiter_duration_seconds_count{verb="APPLY",host="${host}"} 3`,
    ])
      expect(text).to.include(line);
  });
});
