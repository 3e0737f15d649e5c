import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { newEvent, patchOf, type CoreV1Event } from '../../../../src/record/core/core-event.ts';
import { EventBroadcaster } from '../../../../src/record/core/event-broadcaster.ts';
import { CoreV1EventSink } from '../../../../src/record/core/core-v1-sink.ts';
import { classifyFailure } from '../../../../src/record/pipeline/event-writer.ts';
import { KubeClient } from '../../../../src/kube/client.ts';
import { KubeClientEventSink } from '../../../../src/app/event-sinks.ts';
import { MemoryLogger, pod } from './fakes.ts';

interface Request {
  readonly method: string;
  readonly url: string;
  readonly contentType: string;
  readonly body: Record<string, unknown>;
}

/** An API server that knows events, or answers each request with an error. */
class EventsServer {
  readonly requests: Request[] = [];
  readonly #server: Server;
  #error: { code: number; headers: Record<string, string>; status: object } | undefined;
  #stored: object = {};

  constructor() {
    this.#server = createServer((request, response) => {
      void readBody(request).then(body => {
        const [url = ''] = (request.url ?? '').split('?');
        this.requests.push({ method: request.method ?? '', url, contentType: request.headers['content-type'] ?? '', body });
        this.#stored = { ...this.#stored, ...body };
        const { code, headers, status } = this.#error ?? {
          code: request.method === 'POST' ? 201 : 200,
          headers: {},
          status: { ...this.#stored, metadata: { ...(body.metadata ?? {}), name: 'stored', resourceVersion: '42' } },
        };
        response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(status));
      });
    });
  }

  failWith(code: number, reason: string, headers: Record<string, string> = {}): void {
    this.#error = { code, headers, status: { kind: 'Status', apiVersion: 'v1', code, reason, message: reason } };
  }

  async listen(): Promise<KubeConfig> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser({ name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }, { name: 'u' });
    return kubeConfig;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>;
}

const event: CoreV1Event = newEvent({
  reference: { kind: 'Pod', apiVersion: 'v1', namespace: 'ns', name: 'a', uid: 'u' },
  name: 'a.1',
  annotations: { k: 'v' },
  type: 'Normal',
  reason: 'Reason',
  message: 'message',
  source: { component: 'c', host: 'h' },
  nowMs: Date.UTC(2000, 0, 1) + 1_234,
});

const sinks = {
  "client-node's CoreV1Api": (kubeConfig: KubeConfig) => ({
    sink: new CoreV1EventSink(kubeConfig.makeApiClient(CoreV1Api)),
    close: () => Promise.resolve(),
  }),
  'the Kubernetes client of this project': (kubeConfig: KubeConfig) => {
    const client = new KubeClient({ kubeConfig, logger: new MemoryLogger() });
    return { sink: new KubeClientEventSink(client), close: () => client.close() };
  },
};

for (const [what, connect] of Object.entries(sinks))
  describe(`EventSink over ${what}`, () => {
    let server: EventsServer;
    let connected: ReturnType<typeof connect>;

    beforeEach(async () => {
      server = new EventsServer();
      connected = connect(await server.listen());
    });

    afterEach(async () => {
      await connected.close();
      await server.close();
    });

    it('creates an event with all its fields, times in whole seconds', async () => {
      const answer = await connected.sink.create(event);
      const [request] = server.requests;
      expect(request).to.include({ method: 'POST', url: '/api/v1/namespaces/ns/events' });
      const { firstTimestamp, lastTimestamp, ...rest } = request!.body;
      expect(rest).to.deep.equal({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'a.1', namespace: 'ns', annotations: { k: 'v' } },
        involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace: 'ns', name: 'a', uid: 'u' },
        reason: 'Reason',
        message: 'message',
        source: { component: 'c', host: 'h' },
        count: 1,
        type: 'Normal',
        eventTime: null,
        reportingComponent: 'c',
        reportingInstance: 'h',
      });
      for (const time of [firstTimestamp, lastTimestamp]) expect(Date.parse(String(time))).to.equal(Date.UTC(2000, 0, 1) + 1_000);
      expect(answer.metadata).to.deep.include({ name: 'stored', resourceVersion: '42' });
      expect(Date.parse(answer.firstTimestamp)).to.equal(Date.UTC(2000, 0, 1) + 1_000);
    });

    it('patches with a strategic merge patch', async () => {
      await connected.sink.create(event);
      const answer = await connected.sink.patch(event, patchOf({ ...event, count: 7 }));
      expect(server.requests[1]).to.deep.include({
        method: 'PATCH',
        url: '/api/v1/namespaces/ns/events/a.1',
        contentType: 'application/strategic-merge-patch+json',
        body: { count: 7, lastTimestamp: '2000-01-01T00:00:01Z', message: 'message' },
      });
      expect(answer.count).to.equal(7);
    });

    it('fails with the server’s answer', async () => {
      server.failWith(403, 'Forbidden');
      const error: unknown = await connected.sink.create(event).catch((reason: unknown) => reason);
      expect(classifyFailure(error, false)).to.include({ kind: 'status', code: 403, reason: 'Forbidden' });
    });

    it('fails as unreachable when nobody answers', async () => {
      await server.close();
      const abort = new AbortController();
      const writing = connected.sink.create(event, abort.signal).catch((reason: unknown) => reason);
      if (what !== "client-node's CoreV1Api") abort.abort();
      expect(classifyFailure(await writing, true)).to.deep.equal({ kind: 'unreachable' });
    });

    it('takes events from a broadcaster', async () => {
      await using events = new EventBroadcaster();
      events.startRecordingToSink(connected.sink);
      const recorder = events.newRecorder({ component: 'c' });
      recorder.event(pod, 'Normal', 'Reason', 'm');
      expect(await events.flush(5_000)).to.equal(true);
      recorder.event(pod, 'Normal', 'Reason', 'm');
      expect(await events.flush(5_000)).to.equal(true);
      expect(server.requests.map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
        'POST /api/v1/namespaces/baz/events',
        'PATCH /api/v1/namespaces/baz/events/stored',
      ]);
      expect(events.counts.delivered).to.equal(2);
    });
  });
