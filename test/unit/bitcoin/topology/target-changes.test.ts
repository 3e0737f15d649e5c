import { expect } from 'chai';
import fc from 'fast-check';
import type { TopologySpec } from '../../../../src/bitcoin/api/topology.ts';
import { peerListCalls, type PeerLists, peerListsOf } from '../../../../src/bitcoin/rpc/network.ts';
import type { RpcCall } from '../../../../src/bitcoin/rpc/rpc-client.ts';
import type { Node } from '../../../../src/bitcoin/topology/peer-plan.ts';
import { type PeerTarget, peerTargets } from '../../../../src/bitcoin/topology/peer-target.ts';
import { planTopology } from '../../../../src/bitcoin/topology/plan-topology.ts';
import { planTargetChanges, staleTargetEntries } from '../../../../src/bitcoin/topology/target-changes.ts';
import { node } from '../../../support/builders.ts';
import { SimulatedNode } from '../../../support/fakes/simulated-bitcoind.ts';
import { SimulatedConnections } from '../../../support/fakes/simulated-connections.ts';
import { arrows, membersFrom } from '../../../support/graph.ts';

const self = node(0);
const nodes: readonly Node[] = [self, node(1), node(2), node(3)];
const target = (fields: Partial<PeerTarget> = {}): PeerTarget => ({
  listed: [],
  held: [],
  accepted: [],
  external: [],
  ...fields,
});
const added = (...addresses: string[]): PeerLists['added'] => addresses.map(addednode => ({ addednode, connected: false }));
const outbound = (id: number, addr: string, subver = '') => ({ id, addr, inbound: false, subver });
const inbound = (id: number, addr: string, subver = '') => ({ id, addr: `${addr}:51234`, inbound: true, subver });
const texts = (calls: readonly RpcCall[]): string[] => calls.map(({ method, params = [] }) => [method, ...params].join(' '));
const changes = (wanted: Partial<PeerTarget>, lists: Partial<PeerLists> = {}, all = nodes): string[] =>
  texts(planTargetChanges(self, all, target(wanted), { added: [], peers: [], ...lists }));

describe('planTargetChanges', () => {
  it('adds the listed nodes and dials them, only dials the held ones, and leaves the accepted ones to dial', () => {
    expect(changes({ listed: [node(1)], held: [node(2)], accepted: [node(3)] })).to.deep.equal([
      'addnode 10.0.0.2 add',
      'addnode 10.0.0.2 onetry',
      'addnode 10.0.0.3 onetry',
    ]);
  });

  it('has nothing to change when each planned connection is there, opened by its dialler', () => {
    const lists = {
      added: [{ addednode: '10.0.0.2', connected: true }],
      peers: [outbound(0, '10.0.0.2:18444'), outbound(1, '10.0.0.3'), inbound(2, '10.0.0.4')],
    };
    expect(changes({ listed: [node(1)], held: [node(2)], accepted: [node(3)] }, lists)).to.deep.equal([]);
  });

  it('dials again what is not connected, a listed node too: bitcoind waits for up to a minute', () => {
    expect(changes({ listed: [node(1)], held: [node(2)] }, { added: added('10.0.0.2') })).to.deep.equal([
      'addnode 10.0.0.2 onetry',
      'addnode 10.0.0.3 onetry',
    ]);
  });

  it('dials again what the added-node list calls connected and no peer is left of', () => {
    const closing = [{ addednode: '10.0.0.2', connected: true }];
    expect(changes({ listed: [node(1)] }, { added: closing })).to.deep.equal(['addnode 10.0.0.2 onetry']);
  });

  it('neither adds nor dials a node that is not ready or has no address, and keeps the entry of one that is only not ready', () => {
    const notReady = node(1, { isReady: false });
    const all = [self, notReady, node(2, { ip: '' })];
    expect(changes({ listed: [notReady], held: [node(2, { ip: '' })] }, { added: added('10.0.0.2') }, all)).to.deep.equal([]);
  });

  it('does not dial itself while another node still has its address', () => {
    const former = node(1, { ip: self.ip });
    expect(changes({ listed: [former] }, { added: added(self.ip) }, [self, former])).to.deep.equal([`addnode ${self.ip} remove`]);
  });

  it('removes an entry that is neither a listed node nor an external peer, and closes the connections with its address', () => {
    const lists = { added: added('192.0.2.1:18444'), peers: [outbound(3, '192.0.2.1:18444'), inbound(4, '192.0.2.1')] };
    expect(changes({}, lists)).to.deep.equal(['addnode 192.0.2.1:18444 remove', 'disconnectnode  3', 'disconnectnode  4']);
  });

  it('leaves the connections of strangers alone', () => {
    const peers = [inbound(1, '192.0.2.1', '/Satoshi:29.0.0(stranger)/'), outbound(2, '192.0.2.2:8333')];
    expect(changes({}, { peers })).to.deep.equal([]);
  });

  it('adds an external peer, and never removes it while it is wanted, whether it is connected or not', () => {
    const external = ['seed.example:18444', '192.0.2.1'];
    expect(changes({ external })).to.deep.equal(['addnode seed.example:18444 add', 'addnode 192.0.2.1 add']);
    expect(changes({ external }, { added: added(...external) })).to.deep.equal([]);
    expect(changes({ external: [] }, { added: added(...external) })).to.deep.equal([
      'addnode seed.example:18444 remove',
      'addnode 192.0.2.1 remove',
    ]);
  });

  it('leaves an external peer connected when another one of the same host is removed', () => {
    const lists = {
      added: added('192.0.2.1', '192.0.2.1:9999'),
      peers: [outbound(1, '192.0.2.1'), outbound(2, '192.0.2.1:9999')],
    };
    expect(changes({ external: ['192.0.2.1'] }, lists)).to.deep.equal(['addnode 192.0.2.1:9999 remove', 'disconnectnode  2']);
  });

  it('disconnects a node that is no planned peer, whoever dialled', () => {
    const lists = { added: added('10.0.0.2'), peers: [outbound(1, '10.0.0.2:18444'), inbound(2, '10.0.0.3')] };
    expect(changes({}, lists)).to.deep.equal(['addnode 10.0.0.2 remove', 'disconnectnode  1', 'disconnectnode  2']);
  });

  it('keeps the connection of a listed node that is held from now on, and of a held one that is listed from now on', () => {
    const lists = { added: added('10.0.0.2'), peers: [outbound(1, '10.0.0.2'), outbound(2, '10.0.0.3')] };
    expect(changes({ listed: [node(2)], held: [node(1)] }, lists)).to.deep.equal([
      'addnode 10.0.0.2 remove',
      'addnode 10.0.0.3 add',
    ]);
  });

  it('closes the second connection of an edge: that which the dialler did not open', () => {
    const peers = [outbound(1, '10.0.0.2'), inbound(2, '10.0.0.2')];
    expect(changes({ listed: [node(1)] }, { added: added('10.0.0.2'), peers })).to.deep.equal(['disconnectnode  2']);
    expect(changes({ accepted: [node(1)] }, { peers })).to.deep.equal(['disconnectnode  1']);
  });

  it('replaces a connection that the dialled node opened', () => {
    expect(changes({ held: [node(1)] }, { peers: [inbound(2, '10.0.0.2')] })).to.deep.equal([
      'disconnectnode  2',
      'addnode 10.0.0.2 onetry',
    ]);
  });

  it('closes a connection that the other node has to open, or has opened', () => {
    expect(changes({ accepted: [node(1)] }, { peers: [outbound(1, '10.0.0.2')] })).to.deep.equal(['disconnectnode  1']);
  });

  it('keeps the only connection of an edge while the other node is not ready, whoever opened it', () => {
    const notReady = node(1, { isReady: false });
    const all = [self, notReady];
    expect(changes({ accepted: [notReady] }, { peers: [outbound(1, '10.0.0.2')] }, all)).to.deep.equal([]);
    expect(changes({ held: [notReady] }, { peers: [inbound(2, '10.0.0.2')] }, all)).to.deep.equal([]);
    const both = [outbound(1, '10.0.0.2'), inbound(2, '10.0.0.2')];
    expect(changes({ accepted: [notReady] }, { peers: both }, all)).to.deep.equal(['disconnectnode  1']);
  });

  it('keeps the newest of two connections that the same node opened', () => {
    const peers = [inbound(7, '10.0.0.2'), inbound(5, '10.0.0.2')];
    expect(changes({ accepted: [node(1)] }, { peers })).to.deep.equal(['disconnectnode  5']);
  });

  it('knows a dialler behind source NAT by the name in its user agent', () => {
    const peers = [outbound(1, '10.0.0.2'), inbound(2, '172.16.0.1', '/Satoshi:29.0.0(alice-sts-1)/')];
    const notReady = node(1, { isReady: false });
    expect(changes({ accepted: [notReady] }, { peers }, [self, notReady])).to.deep.equal(['disconnectnode  1']);
  });

  it('disconnects nobody for the name in a user agent: a network of the same name in another cluster has it too', () => {
    const peers = [inbound(2, '172.16.0.1', '/Satoshi:29.0.0(alice-sts-1)/'), outbound(3, '192.0.2.1', '/x(alice-sts-2)/')];
    expect(changes({}, { peers })).to.deep.equal([]);
  });

  it('leaves the connections of a terminating node to that node', () => {
    const all = [self, node(1, { isReady: false, isTerminating: true })];
    expect(changes({}, { peers: [inbound(2, '10.0.0.2')] }, all)).to.deep.equal([]);
  });
});

describe('a network whose nodes were asked once each, in any order', () => {
  const size = 7;
  const members = membersFrom(0, size);
  const all = members.map(({ ordinal }) => node(ordinal));
  const topologies: TopologySpec[] = [
    { type: 'FullMesh' },
    { type: 'Ring' },
    { type: 'Star', star: { hub: 3 } },
    { type: 'Tree' },
    { type: 'Random', random: { degree: 3 } },
    { type: 'None' },
  ];
  const anyAction = fc.record({ ordinal: fc.nat(size - 1), peer: fc.nat(size), command: fc.constantFrom('add', 'onetry') });

  /** Nodes after some calls of addnode. The peer after the last one is a stranger. */
  function networkOf(actions: readonly { ordinal: number; peer: number; command: string }[], hidden: readonly number[]) {
    const simulated = new Map<string, SimulatedNode>();
    const connections = new SimulatedConnections();
    const peers = { connections, known: (host: string) => simulated.get(host), maxInbound: () => 114 };
    for (const { ordinal, ip, name } of all) {
      const each = new SimulatedNode(ip, peers, 125);
      each.uacomment = name;
      if (hidden.includes(ordinal)) each.seenAs = '172.16.0.1';
      simulated.set(ip, each);
    }
    for (const { ordinal, peer, command } of actions) {
      const { added } = simulated.get(all[ordinal]!.ip)!;
      const address = all[peer]?.ip ?? '192.0.2.1';
      if (command === 'onetry' || !added.has(address)) simulated.get(all[ordinal]!.ip)!.call('addnode', [address, command]);
    }
    return simulated;
  }

  /** @returns how many calls the node needed */
  function ask(simulated: ReadonlyMap<string, SimulatedNode>, each: Node, wanted: PeerTarget): number {
    const asked = simulated.get(each.ip)!;
    const lists = peerListsOf(peerListCalls.map(({ method }) => ({ result: asked.call(method, []) })));
    const calls = planTargetChanges(each, all, wanted, lists);
    for (const { method, params = [] } of calls) asked.call(method, params);
    return calls.length;
  }

  it('has the planned connections and lists and no others, whatever it had before, and needs no further change', () => {
    const anyOrder = fc.shuffledSubarray(all, { minLength: size });
    const property = fc.property(
      fc.constantFrom(...topologies),
      fc.array(anyAction, { maxLength: 40 }),
      anyOrder,
      fc.subarray([...members.keys()]),
      (topology, actions, order, hidden) => {
        const { edges } = planTopology(topology, members, () => 2);
        const targets = peerTargets({ edges, problems: [] }, all);
        const simulated = networkOf(actions, hidden);
        for (const each of order) ask(simulated, each, targets.get(each.ordinal)!);
        const hosts = new Map(all.map(({ ip, ordinal }) => [ip, ordinal]));
        const connected = [...simulated].flatMap(([ip, { connected: others }]) =>
          [...others].filter(other => hosts.has(other)).map(other => `${hosts.get(ip)}>${hosts.get(other)}`),
        );
        expect(connected.sort()).to.deep.equal(arrows(edges).sort());
        const entries = [...simulated].flatMap(([ip, { added: others }]) =>
          [...others].map(other => `${hosts.get(ip)}>${hosts.get(other)}`),
        );
        expect(entries.sort()).to.deep.equal(arrows(edges.filter(({ isListed }) => isListed)).sort());
        expect(order.map(each => ask(simulated, each, targets.get(each.ordinal)!))).to.deep.equal(all.map(() => 0));
      },
    );
    fc.assert(property);
  });
});

describe('staleTargetEntries', () => {
  it('are those of nodes that are not listed, of strangers, and of the node itself', () => {
    const wanted = target({ listed: [node(1)], held: [node(2)], external: ['seed.example:18444'] });
    const entries = added('10.0.0.2:18444', '10.0.0.3', 'seed.example:18444', 'seed.example', '10.0.0.1');
    const stale = staleTargetEntries(self, wanted, entries).map(({ addednode }) => addednode);
    expect(stale).to.deep.equal(['10.0.0.3', 'seed.example', '10.0.0.1']);
  });
});
