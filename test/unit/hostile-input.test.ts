// Whatever other parties send, at random: nothing crashes or hangs, and no secret is in any output.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { V1Pod, V1Secret } from '@kubernetes/client-node';
import { expect } from 'chai';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { eventNameAnnotation, lastEventAnnotation } from '../../src/bitcoin/api/names.ts';
import { addedNodesIn, peerListCalls, peerListsOf } from '../../src/bitcoin/rpc/network.ts';
import { RpcClient } from '../../src/bitcoin/rpc/rpc-client.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../src/bitcoin/rpc/rpc-errors.ts';
import { observedPeers } from '../../src/bitcoin/topology/known-peers.ts';
import { isComplete, planPeerChanges } from '../../src/bitcoin/topology/peer-plan.ts';
import { planTargetChanges } from '../../src/bitcoin/topology/target-changes.ts';
import { reasons } from '../../src/controller/events/reasons.ts';
import { OwnPods } from '../../src/controller/nodes/own-pods.ts';
import { observeNodes } from '../../src/controller/status/pods.ts';
import { NetworkCredentials } from '../../src/controller/steps/credentials.ts';
import { ApiError, apiStatusCode, isConflict, parsedStatus } from '../../src/kube/api-error.ts';
import { KubeConfigError, loadKubeConfig } from '../../src/kube/auth/kubeconfig.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { errorChain } from '../../src/logging/error-chain.ts';
import { isPrintable } from '../../src/logging/printable.ts';
import { EventOutbox, type StoredEvent } from '../../src/runtime/event-outbox.ts';
import { network, node } from '../support/builders.ts';
import { FakeApiServer, pods } from '../support/fakes/fake-api-server.ts';

const secret = 'hunter2-and-more';
/** Of what writes a file or sends a request. */
const runs = { numRuns: 60 };
/** A busy machine takes a hundred times what an idle one does; what hangs takes longer. */
const timeoutMs = 60_000;
/** Any JSON, with keys that occur in real answers more often than chance would have it. */
const json = (keys: readonly string[]) =>
  fc.letrec<{ value: unknown }>(tie => ({
    value: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'json' },
      fc.constantFrom<unknown>(null, true, 0, -1, 1e308, '', '10.0.0.2', '[::1]:1', '\u001b[2J', '__proto__'),
      fc.string({ maxLength: 20 }),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 5 }),
    ),
  })).value;

/** Everything that an error shows, its causes included. */
const shown = (error: unknown): string =>
  [...errorChain(error)].map(each => `${each.message} ${each.stack ?? ''} ${JSON.stringify(each)}`).join();

describe('whatever a node answers', function () {
  this.timeout(timeoutMs);
  let server: Server;
  let answer: { readonly status: number; readonly headers: Record<string, string>; readonly body: string | Buffer };
  let client: RpcClient;
  const credentials = { user: 'alice', password: secret };

  before(async () => {
    server = createServer((request, response) => {
      request
        .resume()
        .on('end', () =>
          response
            .writeHead(answer.status, { 'content-length': Buffer.byteLength(answer.body), ...answer.headers })
            .end(answer.body),
        );
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    client = new RpcClient({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, credentials });
  });
  after(() => server.close());

  /** Reads the answer as a check of a node does. */
  async function read(): Promise<void> {
    const nodes = [node(0), node(1), node(2)];
    try {
      const lists = peerListsOf(await client.batch(peerListCalls, { timeoutMs: 5_000 }));
      planPeerChanges(node(0), nodes, lists);
      isComplete(node(0), nodes, lists);
      const target = { listed: [node(1)], held: [], accepted: [node(2)], external: ['seed.example:18444'] };
      planTargetChanges(node(0), nodes, target, lists);
      observedPeers(node(0), nodes, lists);
    } catch (error) {
      expect(error).to.satisfy((one: unknown) => one instanceof BitcoinRpcError || one instanceof BitcoinTransportError);
      const text = shown(error);
      expect(text)
        .not.to.contain(secret)
        .and.not.contain(Buffer.from(`alice:${secret}`).toString('base64'));
      expect(isPrintable((error as Error).message)).to.equal(true);
    }
  }

  it('of JSON, is peers or a failure', async () => {
    const keys = ['id', 'result', 'error', 'code', 'message', 'addednode', 'connected', 'addr', 'inbound', '__proto__', 'length'];
    const peers = fc.array(fc.record({ id: json(keys), addr: json(keys), inbound: fc.boolean() }), { maxLength: 3 });
    const batch = fc.tuple(json(keys), peers).map(results => results.map((result, id) => ({ jsonrpc: '2.0', result, id })));
    const property = fc.asyncProperty(fc.oneof(batch, json(keys)), fc.constantFrom(200, 404, 500), async (value, status) => {
      answer = { status, headers: {}, body: JSON.stringify(value) };
      await read();
    });
    await fc.assert(property, runs);
  });

  it('of bytes, statuses and headers, is a failure', async () => {
    const statuses = fc.constantFrom(200, 204, 299, 301, 302, 304, 400, 401, 403, 500, 503, 599, 999);
    const headers = fc.dictionary(
      fc.constantFrom('location', 'content-encoding', 'content-type', 'retry-after', 'x-y'),
      fc.constantFrom('', 'gzip', 'br', 'http://127.0.0.1:1/', '::', 'text/html', '-1', 'x'.repeat(9_000)),
    );
    const property = fc.asyncProperty(statuses, headers, fc.uint8Array({ maxLength: 300 }), async (status, given, bytes) => {
      answer = { status, headers: given, body: Buffer.from(bytes) };
      await read();
    });
    await fc.assert(property, runs);
  });

  it('is found to have entries or none, where only its beginning is read', () => {
    const text = fc
      .array(fc.constantFrom('{"addednode":"', 'a', '"', '\\', ',"connected":', 'true', 'false', '{', '['))
      .map(parts => parts.join(''));
    fc.assert(fc.property(text, beginning => addedNodesIn(beginning).length <= 2_000));
  });
});

describe('whatever others write into objects', function () {
  this.timeout(timeoutMs);
  it('of annotations, is published only if it can be the controller’s own', () => {
    const recorded: { reason: string; message: string }[] = [];
    const annotatedEvent = (...[, , , reason, message]: [unknown, unknown, unknown, string, string]) =>
      void recorded.push({ reason, message });
    const event = fc.record(
      {
        name: fc.constantFrom<unknown>('alice.0123456789abcdef', 'alice.f', 'bob.f', '', 7),
        type: fc.constantFrom<unknown>('Normal', 'Warning', 'Odd', null),
        reason: fc.constantFrom<unknown>('NodeReady', 'Hacked', '__proto__', '', {}),
        message: fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.constantFrom<unknown>('x'.repeat(2_000), null, [])),
      },
      { requiredKeys: [] },
    );
    const text = fc.oneof(
      event.map(one => JSON.stringify(one)),
      fc.string({ maxLength: 50 }),
      fc.json(),
    );
    fc.assert(
      fc.property(text, fc.array(event, { maxLength: 20 }), (annotation, events) => {
        const known = new Set<string>(Object.values(reasons));
        const options = { lastEventAnnotation, eventNameAnnotation, reasons: known };
        const outbox = new EventOutbox({ ...options, recorder: { annotatedEvent }, nowMs: () => 0 });
        const object = { metadata: { ...network().metadata, annotations: { [lastEventAnnotation]: annotation } } };
        outbox.publish(object, 'status', outbox.storedIn(object));
        outbox.republish();
        outbox.publish(object, 'status', events as StoredEvent[]);
        for (const { reason, message } of recorded.splice(0)) {
          expect(known.has(reason)).to.equal(true);
          expect(isPrintable(message)).to.equal(true);
        }
      }),
    );
  });

  it('of pods, makes none of them a node that its StatefulSet does not control', () => {
    const owners = fc.array(
      fc.record({
        apiVersion: fc.constant('v1'),
        kind: fc.string(),
        name: fc.string(),
        uid: fc.constantFrom('own', 'other'),
        controller: fc.boolean(),
      }),
    );
    const metadata = fc.record({
      name: fc.constantFrom('alice-sts-0', 'alice-sts-00', 'alice-sts-', 'alice-sts-9999999999', '', 'alice-sts-1'),
      uid: fc.constantFrom('1', '2', ''),
      labels: fc.constantFrom<Record<string, string>>({}, { app: 'alice', 'app.kubernetes.io/managed-by': 'bitcoin-controller' }),
      ownerReferences: owners,
    });
    const status = fc.record({
      podIP: fc.string(),
      phase: fc.string(),
      conditions: fc.array(fc.record({ type: fc.constant('Ready'), status: fc.constant('True') }), { maxLength: 1 }),
    });
    fc.assert(
      fc.property(fc.array(fc.record({ metadata, status })), all => {
        const own = new OwnPods('uid-alice');
        const ownerReferences = [{ apiVersion: 'v1', kind: 'BitcoinNetwork', name: 'alice', uid: 'uid-alice', controller: true }];
        own.note('alice-sts', { metadata: { uid: 'own', ownerReferences } });
        const nodes = own.of<V1Pod>(network(), all);
        for (const pod of nodes)
          expect(pod.metadata?.ownerReferences?.find(({ controller }) => controller === true)?.uid).to.equal('own');
        for (const { ordinal, isReady } of observeNodes(network(), nodes)) if (isReady) expect(ordinal).to.be.below(3);
      }),
    );
  });

  it('of Secrets, is credentials or a message that has no value of them', async () => {
    const value = fc.oneof(
      fc.constantFrom(`${secret}\n\n`, ` ${secret}`, `${secret}:`, `${secret}\u0000`),
      fc.string({ unit: 'binary', maxLength: 20 }).map(text => `${secret}${text}`),
    );
    const data = fc.dictionary(
      fc.constantFrom('BC_RPC_USER', 'BC_RPC_PASSWORD', 'other', '__proto__'),
      value.map(text => Buffer.from(text).toString('base64')),
    );
    const property = fc.asyncProperty(
      fc.oneof(data, fc.constantFrom(undefined, { BC_RPC_USER: '!', BC_RPC_PASSWORD: '====' })),
      async given => {
        const read: V1Secret = {
          metadata: { namespace: 'default', name: 's', uid: 'u', resourceVersion: '1' },
          ...(given && { data: given }),
        };
        const client = { get: () => Promise.resolve(read) } as unknown as KubeClient;
        const state = await new NetworkCredentials({ client, maxAgeMs: 0 }).of(network({ secret: 's' }), {}, undefined);
        expect(state.message).not.to.contain(secret);
        expect(isPrintable(state.message)).to.equal(true);
      },
    );
    await fc.assert(property, runs);
  });
});

describe('whatever a kubeconfig has', function () {
  this.timeout(timeoutMs);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hostile-input-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('is a cluster and a user, or an error that has no secret', async () => {
    const keys = [
      'name',
      'user',
      'users',
      'cluster',
      'clusters',
      'contexts',
      'context',
      'current-context',
      'server',
      'exec',
      'token',
      '__proto__',
    ];
    const file = path.join(folder, 'config');
    const user = fc.dictionary(
      fc.constantFrom(
        'token',
        'password',
        'username',
        'exec',
        'auth-provider',
        'client-key-data',
        'tokenFile',
        'as',
        'as-groups',
      ),
      fc.oneof(fc.constant(secret), json(keys)),
    );
    const cluster = fc.dictionary(
      fc.constantFrom('server', 'certificate-authority-data', 'insecure-skip-tls-verify', 'proxy-url', 'tls-server-name'),
      fc.oneof(fc.constantFrom<unknown>('https://a.test', 'http://[', `https://u:${secret}@a.test`), json(keys)),
    );
    const whole = fc.tuple(user, cluster).map(([someUser, someCluster]) => ({
      users: [{ name: 'u', user: someUser }],
      clusters: [{ name: 'c', cluster: someCluster }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }));
    const text = fc.oneof(
      fc.oneof(whole, json(keys)).map(value => stringify(value)),
      fc.constant(`{ users: [ { user: { token: ${secret}`),
    );
    const property = fc.asyncProperty(text, async yaml => {
      await writeFile(file, yaml);
      try {
        loadKubeConfig({ kubeconfig: file, environment: {} });
      } catch (error) {
        expect(error, yaml).to.be.instanceOf(KubeConfigError);
        expect(shown(error), yaml).not.to.contain(secret);
      }
    });
    await fc.assert(property, runs);
  });
});

describe('whatever an API server, or a proxy before it, answers', function () {
  this.timeout(timeoutMs);
  let server: FakeApiServer;
  before(async () => {
    server = await FakeApiServer.start();
  });
  after(() => server.stop());
  const keys = [
    'kind',
    'code',
    'reason',
    'message',
    'details',
    'causes',
    'retryAfterSeconds',
    'metadata',
    'items',
    'type',
    'object',
    '__proto__',
  ];

  it('of Status objects, is an error with a printable message', () => {
    const status = fc.dictionary(fc.constantFrom(...keys), json(keys));
    fc.assert(
      fc.property(status, fc.integer({ min: 400, max: 599 }), (given, code) => {
        const error = new ApiError('get pods', code, parsedStatus(JSON.stringify({ ...given, kind: 'Status' })));
        expect(isPrintable(error.message, 2_100)).to.equal(true);
        expect(apiStatusCode(error)).to.equal(code);
        expect(isConflict(error)).to.be.a('boolean');
        expect(error.causes.every(cause => typeof cause === 'object')).to.equal(true);
      }),
    );
  });

  it('of anything, is an answer or an error that does not have its body', async () => {
    const client = server.client();
    const body = fc.oneof(
      json(keys).map(value => JSON.stringify(value)),
      fc.string({ maxLength: 30 }),
      fc.constant(`{"data":"${secret}`),
    );
    const types = fc.constantFrom('application/json', 'text/html', '', 'application/json;stream=watch');
    const property = fc.asyncProperty(body, types, fc.constantFrom(200, 201, 404, 422), async (text, type, status) => {
      server.handler = (_, response) => response.writeHead(status, type === '' ? {} : { 'content-type': type }).end(text);
      const calls = [
        () => client.get(pods, { namespace: 'a', name: 'b' }, { maxTries: 1 }),
        () => client.list(pods, { maxTries: 1 }),
        async () => {
          for await (const event of client.watch(pods, {})) if (event.type === 'ERROR') break;
        },
      ];
      for (const call of calls)
        try {
          await call();
        } catch (error) {
          expect(error).to.be.instanceOf(Error);
          expect(shown(error)).not.to.contain(secret);
        }
    });
    await fc.assert(property, runs);
  });
});
