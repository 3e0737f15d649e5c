// One HTTP server that answers as the bitcoind of every pod address: the local address of the connection says which pod is meant.
// For tests of scale (kwok.ts) and of faults. A connection exists at both ends as soon as one of them dials. A listed node is not redialled.
// A node has the blocks of a connected node as soon as it is asked, unless it syncs more slowly.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../../../src/time/sleep.ts';
import { type SimulatedConnection, SimulatedConnections, simulatedHost } from './simulated-connections.ts';

/** What a node does wrong: hang never answers, reset breaks the connection, warmup says -28, garbage is no JSON, huge is 10 MB of it, slow waits `slowMs`. */
export type Fault = 'hang' | 'reset' | 'unauthorized' | 'unavailable' | 'warmup' | 'garbage' | 'huge' | 'slow';

interface RpcRequest {
  id?: unknown;
  method: string;
  params?: unknown[];
}
interface RpcError {
  code: number;
  message: string;
}

const hugeBytes = 10 * 1024 * 1024;

/** bitcoind keeps 11 of its connections for those that it opens itself. */
const outboundSlots = 11;
const defaultMaxConnections = 125;

/** How long it answers to a call that waits for a block, at most. */
const maxWaitMs = 5_000;

/** One simulated node. */
export class SimulatedNode {
  /** The addresses as they were given to addnode. */
  readonly added = new Set<string>();
  /** How often each method was called. */
  readonly calls = new Map<string, number>();
  /** `-maxconnections`. */
  maxConnections: number;
  /** The header of the requests that it accepts. */
  authorization = '';
  /** `-uacomment`. */
  uacomment: string | undefined;
  /** The address that others see instead of its own, as with source NAT. */
  seenAs: string | undefined;
  fault: Fault | undefined;
  /** Answers in the place of the node, whatever is asked. */
  respond: ((response: ServerResponse, body: string) => void) | undefined;
  slowMs = 2_000;
  /** The number of blocks after the genesis block. */
  height = 0;
  /** The highest that it had when it was called: it knows the blocks up to it. */
  #highest = 0;
  /** The time in the header of the newest block, in seconds since 1970. */
  tipSeconds = 1_296_688_602;
  /** The heights of the blocks that it has made. */
  readonly made: number[] = [];
  /** How many blocks it gets from its peers before each answer. */
  blocksPerAnswer = Infinity;
  readonly #host: string;
  readonly #bitcoind: SimulatedPeers;

  constructor(host: string, bitcoind: SimulatedPeers, maxConnections: number) {
    this.#host = host;
    this.#bitcoind = bitcoind;
    this.maxConnections = maxConnections;
  }

  /** The addresses that it has dialled, as they were given to addnode. */
  get connected(): ReadonlySet<string> {
    return new Set(this.#connections.outbound(this.#host).map(({ dialled }) => dialled));
  }

  get subver(): string {
    return `/Simulated:1.0${this.uacomment === undefined ? '' : `(${this.uacomment})`}/`;
  }

  get #connections(): SimulatedConnections {
    return this.#bitcoind.connections;
  }

  /** The result of one call. @throws RpcError */
  call(method: string, params: readonly unknown[]): unknown {
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
    this.#highest = Math.max(this.#highest, this.height);
    const [peer, command] = params as [string, string];
    switch (method) {
      case 'addnode':
        return this.#addNode(peer, command);
      case 'disconnectnode':
        return this.#disconnect(params);
      case 'getaddednodeinfo':
        return [...this.added].map(addednode => {
          const connected = this.#connections.outboundTo(this.#host, simulatedHost(addednode)) !== undefined;
          return { addednode, connected, addresses: connected ? [{ address: addednode, connected: 'outbound' }] : [] };
        });
      case 'getpeerinfo':
        return this.#peers().map(({ connection, addr, inbound, peer }) => ({
          id: connection.id,
          addr,
          inbound,
          connection_type: inbound ? 'inbound' : 'manual',
          subver: peer?.subver ?? '/Simulated:1.0/',
        }));
      case 'getnetworkinfo':
        return {
          version: 290400,
          subversion: this.subver,
          connections: this.#peers().length,
          networkactive: true,
          warnings: [],
        };
      case 'getblockchaininfo':
        this.#sync();
        return {
          ...{ chain: 'regtest', blocks: this.height, headers: this.height, initialblockdownload: false },
          ...{ bestblockhash: hashAt(this.height), time: this.tipSeconds },
        };
      case 'getblockhash': {
        const [height] = params as [number];
        if (height > this.height) throw rpcError(-8, 'Block height out of range');
        return hashAt(height);
      }
      case 'getblockheader': {
        const height = Number.parseInt(String(params[0]), 16);
        if (height > this.#highest) throw rpcError(-5, 'Block not found');
        const previousblockhash = height === 0 ? undefined : hashAt(height - 1);
        return { hash: hashAt(height), height, previousblockhash, time: this.tipSeconds, nTx: 1 };
      }
      case 'getchaintips':
        return [{ height: this.height, hash: hashAt(this.height), branchlen: 0, status: 'active' }];
      case 'getrpcinfo':
        return { active_commands: [{ method, duration: 1 }], logpath: '' };
      case 'generatetodescriptor':
        return this.#generate(params[0] as number);
      default:
        throw rpcError(-32601, 'Method not found');
    }
  }

  /** Answers as soon as the chain has the height. */
  async waitForHeight(height: number): Promise<object> {
    const endMs = performance.now() + maxWaitMs;
    while (this.height < height && performance.now() < endMs) {
      await sleep(50, undefined, { ref: false });
      this.#sync();
    }
    return { height: this.height, hash: hashAt(this.height) };
  }

  #sync(): void {
    const peers = this.#peers().flatMap(({ peer }) => peer ?? []);
    const highest = Math.max(this.height, ...peers.map(({ height }) => height));
    this.height = Math.min(highest, this.height + this.blocksPerAnswer);
    this.tipSeconds = peers.find(({ height }) => height === this.height)?.tipSeconds ?? this.tipSeconds;
  }

  #generate(blocks: number): string[] {
    this.#sync();
    this.tipSeconds = Math.floor(Date.now() / 1_000);
    return Array.from({ length: blocks }, () => {
      this.height += 1;
      this.made.push(this.height);
      return hashAt(this.height);
    });
  }

  #addNode(peer: string, command: string): null {
    if (command === 'add') {
      if (this.added.has(peer)) throw rpcError(-23, 'Error: Node already added');
      this.added.add(peer);
    } else if (command === 'remove') {
      if (!this.added.delete(peer)) throw rpcError(-24, 'Error: Node could not be removed. It has not been added previously.');
    } else if (command === 'onetry') {
      this.#connections.dial(this.#host, peer, host => this.#bitcoind.maxInbound(host));
    } else throw rpcError(-1, 'addnode "node" "command"');
    return null;
  }

  /** By id, or by the address that getpeerinfo shows. */
  #disconnect([address, id]: readonly unknown[]): null {
    const found = this.#peers().find(({ addr, connection }) => (id === undefined ? addr === address : connection.id === id));
    if (found === undefined) throw rpcError(-29, 'Node not found in connected nodes');
    this.#connections.close(found.connection);
    return null;
  }

  /** Those that it has dialled by the address that it was given; the others by their own, with a port that was free there. */
  #peers(): SimulatedPeer[] {
    const { known } = this.#bitcoind;
    return [
      ...this.#connections.outbound(this.#host).map(connection => {
        return { connection, addr: connection.dialled, inbound: false, peer: known(connection.to) };
      }),
      ...this.#connections.inbound(this.#host).map(connection => {
        const peer = known(connection.from);
        const addr = `${peer?.seenAs ?? connection.from}:${32_768 + (connection.id % 28_232)}`;
        return { connection, addr, inbound: true, peer };
      }),
    ];
  }
}

const authorizationOf = ({ user, password }: { readonly user: string; readonly password: string }): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** All nodes have the same block of a height. */
const hashAt = (height: number): string => height.toString(16).padStart(64, '0');

interface SimulatedPeer {
  readonly connection: SimulatedConnection;
  readonly addr: string;
  readonly inbound: boolean;
  readonly peer: SimulatedNode | undefined;
}

/** What a node knows of the others. */
interface SimulatedPeers {
  readonly connections: SimulatedConnections;
  readonly known: (host: string) => SimulatedNode | undefined;
  readonly maxInbound: (host: string) => number;
}

class SimulatedRpcError extends Error {
  readonly code: number;

  constructor({ code, message }: RpcError) {
    super(message);
    this.code = code;
  }
}
const rpcError = (code: number, message: string): SimulatedRpcError => new SimulatedRpcError({ code, message });

export interface SimulatedBitcoindOptions {
  readonly user: string;
  readonly password: string;
  /** Default: 18443. 0 takes a free port. */
  readonly port?: number;
  /** Default: every address of this machine. */
  readonly address?: string;
  /** `-maxconnections` of a node, unless a test gives it another. Default: 125, so that it accepts 114 connections. */
  readonly maxConnections?: number;
}

export class SimulatedBitcoind {
  readonly #server: Server;
  readonly #nodes = new Map<string, SimulatedNode>();
  #authorization: string;
  readonly #maxConnections: number;
  /** `blocksPerAnswer` of nodes that begin to exist. */
  newBlocksPerAnswer = Infinity;
  readonly #connections = new SimulatedConnections();

  private constructor({ user, password, maxConnections = defaultMaxConnections }: SimulatedBitcoindOptions) {
    this.#authorization = authorizationOf({ user, password });
    this.#maxConnections = maxConnections;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
    });
  }

  /** Listens. */
  static async start(options: SimulatedBitcoindOptions): Promise<SimulatedBitcoind> {
    const bitcoind = new SimulatedBitcoind(options);
    bitcoind.#server.listen(options.port ?? 18443, options.address ?? '0.0.0.0');
    await once(bitcoind.#server, 'listening');
    return bitcoind;
  }

  /** The credentials of nodes that begin to exist. */
  setCredentials(credentials: { readonly user: string; readonly password: string }): void {
    this.#authorization = authorizationOf(credentials);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The node at an address; it begins to exist when it is first asked for. */
  node(address: string): SimulatedNode {
    const known = this.#nodes.get(address);
    if (known !== undefined) return known;
    const node = new SimulatedNode(
      address,
      {
        connections: this.#connections,
        known: host => this.#nodes.get(host),
        maxInbound: host => (this.#nodes.get(host)?.maxConnections ?? this.#maxConnections) - outboundSlots,
      },
      this.#maxConnections,
    );
    node.authorization = this.#authorization;
    node.blocksPerAnswer = this.newBlocksPerAnswer;
    this.#nodes.set(address, node);
    return node;
  }

  /** All nodes that were ever asked, by address. */
  get nodes(): ReadonlyMap<string, SimulatedNode> {
    return this.#nodes;
  }

  /** Forgets what the node knows and closes its connections, as a restart of its pod does. */
  restart(address: string): void {
    this.#nodes.delete(address);
    this.#connections.closeAll(address);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const node = this.node(request.socket.localAddress ?? '');
    const body = await read(request);
    if (node.respond !== undefined) {
      node.respond(response, body);
      return;
    }
    if (node.fault === 'hang') return;
    if (node.fault === 'reset') request.socket.resetAndDestroy();
    else if (node.fault === 'unavailable') send(response, 503, 'Work queue depth exceeded');
    else if (node.fault === 'garbage') send(response, 200, '<html>not bitcoind</html>');
    else if (node.fault === 'huge') send(response, 200, `"${'x'.repeat(hugeBytes)}"`);
    else if (request.url === '/rest/chaininfo.json')
      send(response, node.fault === 'warmup' ? 503 : 200, JSON.stringify(node.call('getblockchaininfo', [])));
    else if (node.fault === 'unauthorized' || request.headers.authorization !== node.authorization) send(response, 401, '');
    else if (node.fault === 'slow') setTimeout(() => send(response, 200, answerTo(node, body)), node.slowMs).unref();
    else send(response, 200, (await heldAnswer(node, body)) ?? answerTo(node, body));
  }
}

/** To a batch of one call that waits for a block. */
async function heldAnswer(node: SimulatedNode, body: string): Promise<string | undefined> {
  const [call] = [JSON.parse(body) as RpcRequest | RpcRequest[]].flat();
  if (call?.method !== 'waitforblockheight') return undefined;
  const result = await node.waitForHeight(call.params?.[0] as number);
  return JSON.stringify([{ jsonrpc: '2.0', id: call.id, result }]);
}

function answerTo(node: SimulatedNode, body: string): string {
  const message = JSON.parse(body) as RpcRequest | RpcRequest[];
  return JSON.stringify(Array.isArray(message) ? message.map(one => answerOne(node, one)) : answerOne(node, message));
}

function answerOne(node: SimulatedNode, { id, method, params = [] }: RpcRequest): object {
  try {
    if (node.fault === 'warmup') throw rpcError(-28, 'Loading block index…');
    return { jsonrpc: '2.0', id, result: node.call(method, params) };
  } catch (error) {
    if (!(error instanceof SimulatedRpcError)) throw error;
    return { jsonrpc: '2.0', id, error: { code: error.code, message: error.message } };
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
