// One tenant whose nodes send the most expensive answers, beside 100 networks of others: the bundled controller, as its own process, with the
// memory limit of the chart. Scaling the other networks meanwhile shows the effect on them.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { apiVersion, type BitcoinNetwork, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { pausedAnnotation } from '../../../src/bitcoin/api/names.ts';
import { keepNetwork } from '../../../src/controller/kept-fields.ts';
import { networks } from '../../../src/controller/resource-types.ts';
import { Informer } from '../../../src/runtime/informer.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';
import { buildController } from '../../support/processes/bundled-controller.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { MemoryCgroup } from '../../support/processes/memory-cgroup.ts';
import { peakRssMiB } from '../../support/processes/process-figures.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const root = path.resolve(import.meta.dirname, '../../..');
/** values.yaml: resources.limits.memory. */
const limitMiB = 384;
/** The heap size that Node.js derives from that limit, for systems without a cgroup. */
const heapMiB = 259;
const longestBlockMs = 200;

const goodNetworks = 100;
/** How many of those are scaled in a run. */
const scaledNetworks = 10;
const hostileNodes = 64;
/** With as many annotations as the API server takes. It costs the tenant nothing else if they are paused and have no nodes. */
const largeNetworks = 1500;
const padding = 'x'.repeat(250 * 1024);
const name = (index: number) => `good-${index}`;

/** As loop-probe.ts writes it. */
interface Blocked {
  readonly longestTurnMs: number;
  readonly longestDelayMs: number;
  readonly processorShare: number;
}

type Respond = (response: ServerResponse, body: string) => void;

const MiB = 1 << 20;
const whole =
  (body: Buffer): Respond =>
  response =>
    void response.writeHead(200, { 'content-length': body.length }).end(body);
/** Without a length, and without an end if it stalls. */
const streamed =
  (body: Buffer, stalls = false): Respond =>
  response => {
    response.writeHead(200);
    if (stalls) response.write(body);
    else response.end(body);
  };
const json = (text: string, bytes: number): Buffer => Buffer.from(text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes));
const batch = (...results: unknown[]) =>
  Buffer.from(JSON.stringify(results.map((result, id) => ({ jsonrpc: '2.0', result, id }))));
const added = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ addednode: `node-${index}.example`, connected: false, addresses: [] }));
const alternating = (...responds: readonly Respond[]): Respond => {
  let count = 0;
  return (response, body) => {
    responds[count % responds.length]?.(response, body);
    count += 1;
  };
};

function* failures(): Generator<string> {
  for (let count = 0; ; count += 1) yield `failure \u001b[2J ${count} ${'x'.repeat(100)}`;
}
const failure = failures();

const attacks: Readonly<Record<string, Respond>> = {
  'send 4 MiB of wrong elements, or as many as are read': alternating(
    streamed(json('[{"id":0,"result":[{},{},{},{},', 4 * MiB)),
    whole(Buffer.concat([Buffer.from('[{"id":0,"result":['), json('{},', 99_000 * 3), Buffer.from('{}]}]')])),
    whole(Buffer.concat([Buffer.from('['), json('0,', 2 * MiB - 4), Buffer.from('0]')])),
  ),
  'list 90,000 added nodes, or as many as are read, and refuse to remove any': (() => {
    const [many, few] = [batch(added(90_000), []), batch(added(12_000), [])];
    const lists = alternating(whole(many), whole(few), streamed(many));
    return (response: ServerResponse, body: string) => {
      const calls = JSON.parse(body) as { id: number; method: string }[];
      if (calls[0]?.method === 'getaddednodeinfo') lists(response, body);
      else
        whole(Buffer.from(JSON.stringify(calls.map(({ id }) => ({ id, error: { code: -24, message: 'x'.repeat(300) } })))))(
          response,
          body,
        );
    };
  })(),
  'send JSON that is nested by a million levels': alternating(whole(json('[', 2 * MiB)), streamed(json('{"a":', 4 * MiB))),
  'stall after 3.9 MiB, or short of the limit': alternating(
    streamed(json('["x",', 3.9 * MiB), true),
    response => void response.writeHead(200, { 'content-length': 2 * MiB }).write(json('["x",', 1.9 * MiB)),
  ),
  'send a header, or interim responses, or chunks of a byte, without end, or switch the protocol': alternating(
    pouring('HTTP/1.1 200 OK\r\nx: ', 'x'.repeat(10_000)),
    pouring('', 'HTTP/1.1 103 x\r\n\r\n'.repeat(500)),
    ({ socket }) => void socket?.end('HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    pouring('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\nx\r\n'.repeat(1_000)),
  ),
  'fail with another text each time': (response, body) => {
    const calls = JSON.parse(body) as { id: number }[];
    const message = failure.next().value as string;
    whole(Buffer.from(JSON.stringify(calls.map(({ id }) => ({ id, error: { code: -1, message } })))))(response, body);
  },
};

/** Sends `text` on the connection for as long as the other side takes it. */
function pouring(head: string, text: string): Respond {
  return ({ socket }) => {
    if (socket === null) return;
    const more = () => {
      while (!socket.destroyed && socket.write(text));
    };
    socket.on('error', () => undefined).on('drain', more);
    socket.write(head);
    more();
  };
}

describe('one tenant whose nodes are hostile, beside 100 networks', function () {
  this.timeout(0);
  let world: World;
  let folder: string;
  let cgroup: MemoryCgroup | undefined;
  let controller: ControllerProcess;
  let nodes = 3;
  /** How long it took to scale networks while nobody was hostile. */
  const calmMs: number[] = [];
  /** The networks, by watch, so that the test does not add load. */
  let seen: Informer<BitcoinNetwork>;
  /** Of the networks that were scaled, as the API server answered. */
  const generations = new Map<string, number>();
  const stop = new AbortController();
  let watching: Promise<void>;

  /** The bundle, with the memory limit of the chart and a probe in its event loop. */
  function startController(): Promise<ControllerProcess> {
    const probe = pathToFileURL(path.join(root, 'test/support/processes/loop-probe.ts'));
    probe.searchParams.set('file', path.join(folder, 'loop.json'));
    return ControllerProcess.start({
      kubeconfig: world.controlPlane.kubeconfigPath,
      file: path.join(root, 'dist/main.js'),
      nodeArgs: ['--import', probe.href, ...(cgroup === undefined ? [`--max-old-space-size=${heapMiB}`] : [])],
      launcher: cgroup?.command ?? [],
      args: ['--recheck-seconds=5', '--events-api=events', '--log-level=warn', '--health-address=off'],
    });
  }

  async function scale(network: string): Promise<void> {
    const { metadata } = await world.client.patch(
      networks,
      { namespace: 'good', name: network },
      { spec: { nodes } },
      { patchType: 'merge' },
    );
    generations.set(network, metadata.generation ?? 0);
  }

  /** Scales some of the good networks. Resolves with the time until all of them are as their spec says. */
  async function scaleMs(): Promise<number> {
    nodes = nodes === 3 ? 4 : 3;
    const startedMs = performance.now();
    const scaled = Array.from({ length: scaledNetworks }, (_, index) => name(index));
    await Promise.all(scaled.map(network => scale(network)));
    await connected(scaled);
    return performance.now() - startedMs;
  }

  /** Resolves when the status of each says that its nodes are connected, as its spec wants them now. */
  async function connected(names: readonly string[], namespace = 'good'): Promise<void> {
    await eventually(() =>
      names.every(one => {
        const { metadata, status } = seen.get(`${namespace}/${one}`) ?? {};
        const condition = status?.conditions?.find(({ type }) => type === 'Connected');
        return (
          condition?.status === 'True' &&
          condition.observedGeneration === metadata?.generation &&
          (metadata?.generation ?? 0) >= (generations.get(one) ?? 0)
        );
      }),
    );
  }

  /** How long the event loop was blocked, since the last call. */
  async function blocked(): Promise<Blocked> {
    const file = path.join(folder, 'loop.json');
    await rm(file, { force: true });
    process.kill(controller.pid, 'SIGUSR2');
    let figures = '';
    await eventually(async () => {
      figures = await readFile(file, 'utf8').catch(() => '');
      return figures !== '' || controller.hasEnded;
    });
    return JSON.parse(figures) as Blocked;
  }

  /**
   * @param tookMs how long the others took to be scaled meanwhile. It is printed and has no limit: it is for the most part the time of
   *   an API server that is as busy with the tenant as its flow control allows.
   */
  async function expectUnharmed(tookMs: number, block: Blocked): Promise<void> {
    const peakMiB = peakRssMiB(controller.pid);
    const calm = calmMs.map(ms => Math.round(ms)).join(', ');
    calmMs.push(await scaleMs());
    const figures = JSON.stringify({ tookMs, ...block, peakMiB });
    process.stdout.write(`      others scaled in ${Math.round(tookMs)} ms (${calm} ms in peace), ${Math.round(peakMiB)} MiB\n`);
    expect(controller.hasEnded, figures).to.equal(false);
    expect(await cgroup?.kills(), figures).to.be.oneOf([0, undefined]);
    expect(peakMiB, figures).to.be.below((limitMiB * 2) / 3);
    // On a machine that is busy with something else, work piles up while the process waits for its turn.
    expect(block.longestTurnMs * block.processorShare, figures).to.be.below(longestBlockMs);
  }

  const hostile = () => Array.from(world.bitcoind.nodes.values()).filter(node => node.respond !== undefined);

  before(async () => {
    await buildController();
    folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-tenants-'));
    world = await World.start();
    seen = new Informer({ client: world.client, type: networks, logger: new RecordingLogger(), transform: keepNetwork });
    watching = seen.run(stop.signal);
    for (const namespace of ['good', 'tenant']) await world.createNamespace(namespace);
    cgroup = await MemoryCgroup.create(path.basename(folder), limitMiB * MiB);
    controller = await startController();
    for (let index = 0; index < goodNetworks; index += 1) await world.createNetwork('good', name(index), 3);
    await world.createNetwork('tenant', 'mallory', hostileNodes);
    await connected(Array.from({ length: goodNetworks }, (_, index) => name(index)));
    await connected(['mallory'], 'tenant');
    await blocked();
    for (let run = 0; run < 2; run += 1) calmMs.push(await scaleMs());
    await blocked();
  });

  after(async () => {
    for (const node of hostile()) node.respond = undefined;
    await controller.stop();
    stop.abort(new Error('the test is over'));
    await watching;
    await world.stop();
    await cgroup?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [attack, respond] of Object.entries(attacks))
    it(`keeps its memory, its event loop and the others when 64 nodes ${attack}`, async () => {
      const asked = new Set<string>();
      const { nodes: own = [] } = await world.status('tenant', 'mallory');
      for (const { ip } of own)
        world.bitcoind.node(ip).respond = (response, body) => {
          asked.add(ip);
          respond(response, body);
        };
      await eventually(() => asked.size >= hostileNodes / 4);
      const tookMs = await scaleMs();
      await eventually(() => asked.size === hostileNodes || controller.hasEnded);
      const peak = blocked();
      for (const { ip } of own) world.bitcoind.node(ip).respond = undefined;
      await expectUnharmed(tookMs, await peak);
    });

  it('keeps its memory, its event loop and the others while a tenant creates 1,500 networks with 256 KiB of annotations', async () => {
    let written = 0;
    let areScaled = false;
    /** Each is created once. Then it is changed, in turn, for as long as the others are not as their spec says. */
    const write = async (): Promise<void> => {
      for (; written < largeNetworks || !areScaled; written += 1) {
        const object = { namespace: 'tenant', name: `large-${written % largeNetworks}` };
        const annotations = { [pausedAnnotation]: 'true', padding };
        if (written < largeNetworks)
          await world.client.create(networks, {
            apiVersion,
            kind,
            metadata: { ...object, annotations },
            spec: { nodes: 0 },
          } as unknown as BitcoinNetwork);
        else
          await world.client.patch(
            networks,
            object,
            { metadata: { annotations: { written: String(written) } } },
            { patchType: 'merge' },
          );
      }
    };
    const writing = write();
    await eventually(() => written >= largeNetworks / 10);
    const tookMs = await scaleMs().finally(() => (areScaled = true));
    await writing;
    await expectUnharmed(tookMs, await blocked());
  });

  it('lists these networks when it starts, within the same limits', async () => {
    expect(await controller.stop()).to.equal(0);
    controller = await startController();
    await scaleMs();
    const tookMs = await scaleMs();
    await expectUnharmed(tookMs, await blocked());
    await connected(Array.from({ length: goodNetworks }, (_, index) => name(index)));
  });

  it('has its own nodes connected again once they answer, and the others are as their spec says', async () => {
    await world.untilRight('tenant', 'mallory');
    for (let index = 0; index < scaledNetworks; index += 1) await world.untilRight('good', name(index));
  });
});
