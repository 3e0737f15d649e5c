import { expect } from 'chai';
import { ApiError, isNotFound } from '../../../src/kube/api-error.ts';
import type { KubeClient, KubeObject } from '../../../src/kube/client.ts';
import {
  answer,
  cutOff,
  fail,
  FakeApiServer,
  kubeConfigFor,
  pods,
  reset,
  silence,
  thrownBy,
} from '../../support/fakes/fake-api-server.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';
import { until } from '../../support/until.ts';

const at = { namespace: 'default', name: 'x' };

describe('KubeClient', () => {
  let server: FakeApiServer;
  let client: KubeClient;
  beforeEach(async () => {
    server = await FakeApiServer.start();
    client = server.client({ userAgent: 'bitcoin-controller/1.2.3' });
  });
  afterEach(() => server.stop());

  describe('a request', () => {
    it('uses one kept-alive connection, with the version in its User-Agent', async () => {
      const agents = new Set<string | undefined>();
      server.handler = (request, response) => {
        agents.add(request.headers['user-agent']);
        answer(response, 200, {});
      };
      for (let count = 0; count < 20; count += 1) await client.get(pods, at);
      expect(server.connections).to.equal(1);
      expect([...agents]).to.deep.equal(['bitcoin-controller/1.2.3']);
    });

    it('sends and returns JSON unchanged: unknown fields, reserved words, numbers, any characters', async () => {
      const object = {
        metadata: { name: 'x', namespace: 'default' },
        spec: {
          ingress: [{ from: [{}] }],
          _from: 1,
          default: false,
          enum: ['ä€😀'],
          'x-kubernetes-validations': [],
          long: 9007199254740991,
          real: 1.5,
        },
      };
      server.handler = (_, response, body) => answer(response, 201, JSON.parse(body));
      expect(await client.create<KubeObject>(pods, object)).to.deep.equal({ ...object, apiVersion: 'v1', kind: 'Pod' });
    });

    it('sends the request of its method to the API server', async () => {
      await client.list(pods, { namespace: 'a', labelSelector: 'app=x,y!=z', limit: 500, continue: 'to/ken' });
      await client.apply(pods, { metadata: at }, { fieldManager: 'me', force: true, subresource: 'status' });
      await client.patch(pods, at, [], { patchType: 'json' });
      await client.replace(pods, { metadata: { ...at, resourceVersion: '5' } });
      await client.delete(pods, at, { propagationPolicy: 'Foreground', preconditions: { uid: 'u' } });
      expect(server.requests).to.deep.equal([
        'GET /api/v1/namespaces/a/pods?labelSelector=app%3Dx%2Cy%21%3Dz&limit=500&continue=to%2Fken',
        'PATCH /api/v1/namespaces/default/pods/x/status?fieldManager=me&force=true',
        'PATCH /api/v1/namespaces/default/pods/x',
        'PUT /api/v1/namespaces/default/pods/x',
        'DELETE /api/v1/namespaces/default/pods/x',
      ]);
      expect(JSON.parse(server.bodies[4] ?? '')).to.deep.include({
        propagationPolicy: 'Foreground',
        preconditions: { uid: 'u' },
      });
    });

    it("keeps the path prefix of the server's URL", async () => {
      const prefixed = server.client({ kubeConfig: kubeConfigFor(`${server.url}/k8s/clusters/c-1/`) });
      await prefixed.get(pods, at);
      expect(server.requests).to.deep.equal(['GET /k8s/clusters/c-1/api/v1/namespaces/default/pods/x']);
    });

    it('fails if the answer is not JSON', async () => {
      server.handler = (_, response) => response.writeHead(200, { 'Content-Type': 'text/plain' }).end('ok');
      expect((await thrownBy(client.get(pods, at))).message).to.equal('get pods default/x: the answer (text/plain) is not JSON');
    });

    it('is not sent when the write guard refuses it, while reads continue', async () => {
      const guarded = client.withWriteGuard(() => {
        throw new Error('not the leader');
      });
      for (const write of [
        () => guarded.create(pods, { metadata: at }),
        () => guarded.apply(pods, { metadata: at }, { fieldManager: 'me' }),
        () => guarded.patch(pods, at, {}, { patchType: 'merge' }),
        () => guarded.replace(pods, { metadata: at }),
        () => guarded.delete(pods, at),
      ])
        expect((await thrownBy(Promise.resolve().then(write))).message).to.equal('not the leader');
      await guarded.get(pods, at);
      await client.delete(pods, at);
      expect(server.requests.map(each => each.split(' ')[0])).to.deep.equal(['GET', 'DELETE']);
    });

    it('is not retried once the write guard refuses it', async () => {
      let isLeading = true;
      const guarded = client.withWriteGuard(() => {
        if (!isLeading) throw new Error('not the leader');
      });
      server.handler = (request, response, body) => {
        isLeading = false;
        fail(429, 'TooManyRequests')(request, response, body);
      };
      const error = await thrownBy(guarded.apply(pods, { metadata: at }, { fieldManager: 'me' }));
      expect(error.message).to.equal('not the leader');
      expect(server.requests).to.have.length(1);
    });

    it('fails once the client is closed, whether it had started or not', async () => {
      server.handler = silence;
      const pending = thrownBy(client.get(pods, at));
      await until(() => server.requests.length === 1);
      await client.close();
      expect((await pending).message).to.equal('get pods default/x: the Kubernetes client is closed');
      expect((await thrownBy(client.get(pods, at))).message).to.equal('get pods default/x: the Kubernetes client is closed');
      await until(() => server.sockets.size === 0);
    });
  });

  describe('an error', () => {
    it("contains the attempted call and the server's message", async () => {
      server.handler = fail(404, 'NotFound');
      const error = await thrownBy(client.apply(pods, { metadata: at }, { fieldManager: 'me', subresource: 'status' }));
      expect(error).to.be.instanceOf(ApiError);
      expect(isNotFound(error)).to.equal(true);
      expect(error.message).to.equal('apply pods/status default/x: 404 NotFound: it is NotFound');
    });

    it('contains neither the token, nor the request, nor a response that is not JSON', async () => {
      const secret = 'hunter2';
      const withToken = server.client({ kubeConfig: kubeConfigFor(server.url, { token: secret }) });
      const secretObject = { metadata: at, data: { password: secret } };
      const logger = new RecordingLogger();
      for (const handler of [
        fail(422, 'Invalid'),
        reset,
        cutOff,
        (_: unknown, response: Parameters<typeof answer>[0]) =>
          response.writeHead(200, { 'Content-Type': 'application/json' }).end(`${secret}{`),
        (_: unknown, response: Parameters<typeof answer>[0]) =>
          response.writeHead(502, { 'Content-Type': 'text/html' }).end(secret),
      ]) {
        server.handler = handler;
        const error = await thrownBy(withToken.create(pods, secretObject, { maxTries: 1 }));
        logger.error('x', { error });
        for (let each: unknown = error; each instanceof Error; each = each.cause) {
          expect(`${each.message} ${each.stack ?? ''} ${JSON.stringify(each)}`).not.to.include(secret);
          expect(each.message).not.to.equal('');
        }
      }
    });

    it('has no status if the connection was refused', async () => {
      const { url } = server;
      await server.stop();
      const error = await thrownBy(server.client({ kubeConfig: kubeConfigFor(url) }).get(pods, at, { maxTries: 1 }));
      expect(error.message).to.match(/^get pods default\/x: connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
      expect(error).not.to.be.instanceOf(ApiError);
      server = await FakeApiServer.start();
    });
  });
});
