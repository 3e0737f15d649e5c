import { expect } from 'chai';
import fc from 'fast-check';
import { hostOf, type Node, planPeerChanges } from '../../../../src/bitcoin/topology/peer-plan.ts';
import type { PeerLists } from '../../../../src/bitcoin/rpc/network.ts';
import { node } from '../../../support/builders.ts';

const nothing: PeerLists = { added: [], peers: [] };
const listed = (...addresses: string[]): PeerLists => ({
  added: addresses.map(addednode => ({ addednode, connected: true })),
  peers: [],
});
const texts = (calls: ReturnType<typeof planPeerChanges>): string[] =>
  calls.map(({ method, params = [] }) => [method, ...params].join(' '));

/** bitcoind's lists after it has run the calls, with every dial answered. */
function after(lists: PeerLists, calls: ReturnType<typeof planPeerChanges>): PeerLists {
  let { added, peers } = lists;
  for (const { method, params = [] } of calls) {
    const [address, command] = params as [string, unknown];
    if (method === 'disconnectnode') peers = peers.filter(({ id }) => id !== command);
    else if (command === 'remove') added = added.filter(({ addednode }) => addednode !== address);
    else if (command === 'add') added = [...added, { addednode: address, connected: false }];
    else if (command === 'onetry')
      added = added.map(entry => (hostOf(entry.addednode) === address ? { ...entry, connected: true } : entry));
  }
  return { added, peers };
}

describe('planPeerChanges', () => {
  it('adds every other ready node and dials it at once', () => {
    expect(texts(planPeerChanges(node(0), [node(0), node(1), node(2)], nothing))).to.deep.equal([
      'addnode 10.0.0.2 add',
      'addnode 10.0.0.3 add',
      'addnode 10.0.0.2 onetry',
      'addnode 10.0.0.3 onetry',
    ]);
  });

  it('asks for nothing when every other ready node is listed and connected', () => {
    expect(planPeerChanges(node(0), [node(0), node(1), node(2)], listed('10.0.0.2', '10.0.0.3:18444'))).to.deep.equal([]);
  });

  it('does not add a node that is not ready, that has no address or that is going away', () => {
    const nodes = [node(0), node(1, { isReady: false }), node(2, { ip: '' }), node(3, { isReady: false, isTerminating: true })];
    expect(planPeerChanges(node(0), nodes, nothing)).to.deep.equal([]);
  });

  it('keeps the entry of a node that is only not ready', () => {
    expect(planPeerChanges(node(0), [node(0), node(1, { isReady: false })], listed('10.0.0.2'))).to.deep.equal([]);
  });

  it('removes an entry that no node has, by the text that was added, and closes its connections before anything is dialled', () => {
    const lists: PeerLists = {
      added: [{ addednode: '10.0.0.9:18444', connected: true }],
      peers: [
        { id: 4, addr: '10.0.0.9:18444', inbound: false, subver: '' },
        { id: 5, addr: '10.0.0.9:51234', inbound: true, subver: '' },
        { id: 6, addr: '10.0.0.2:51234', inbound: true, subver: '' },
      ],
    };
    expect(texts(planPeerChanges(node(0), [node(0), node(1)], lists))).to.deep.equal([
      'addnode 10.0.0.9:18444 remove',
      'disconnectnode  4',
      'disconnectnode  5',
      'addnode 10.0.0.2 add',
      'addnode 10.0.0.2 onetry',
    ]);
  });

  it('leaves an external peer connected when another one of the same host is removed', () => {
    const addresses = ['peer.example:1', 'peer.example:2'];
    const lists = {
      added: addresses.map(addednode => ({ addednode, connected: true })),
      peers: addresses.map((addr, id) => ({ id, addr, inbound: false, subver: '' })),
    };
    const calls = planPeerChanges(node(0), [node(0)], lists, ['peer.example:1']);
    expect(calls.map(({ method, params }) => [method, ...(params ?? [])])).to.deep.equal([
      ['addnode', 'peer.example:2', 'remove'],
      ['disconnectnode', '', 1],
    ]);
  });

  it('removes a terminating node before another pod has its address', () => {
    const nodes = [node(0), node(1, { isReady: false, isTerminating: true })];
    expect(texts(planPeerChanges(node(0), nodes, listed('10.0.0.2')))).to.deep.equal(['addnode 10.0.0.2 remove']);
  });

  it('removes an entry that names the node itself, as after an address was taken over', () => {
    expect(texts(planPeerChanges(node(0), [node(0)], listed('10.0.0.1')))).to.deep.equal(['addnode 10.0.0.1 remove']);
  });

  it('dials a listed node that is not connected, without adding it again', () => {
    const lists: PeerLists = { added: [{ addednode: '10.0.0.2', connected: false }], peers: [] };
    expect(texts(planPeerChanges(node(0), [node(0), node(1)], lists))).to.deep.equal(['addnode 10.0.0.2 onetry']);
  });

  it('does not take an inbound connection for one of its own', () => {
    const lists: PeerLists = { added: [], peers: [{ id: 1, addr: '10.0.0.2:40000', inbound: true, subver: '' }] };
    expect(texts(planPeerChanges(node(0), [node(0), node(1)], lists))).to.include('addnode 10.0.0.2 onetry');
  });

  it('reaches in one round exactly the other ready nodes, from any list, and then asks for nothing more', () => {
    const anyNodes = fc.array(fc.record({ isReady: fc.boolean(), isTerminating: fc.boolean() }), { minLength: 1, maxLength: 12 });
    const anyEntries = fc.uniqueArray(
      fc.record({ host: fc.integer({ min: 1, max: 16 }), connected: fc.boolean(), withPort: fc.boolean() }),
      {
        selector: ({ host }) => host,
      },
    );
    fc.assert(
      fc.property(anyNodes, anyEntries, (states, entries) => {
        const nodes: Node[] = states.map(({ isReady, isTerminating }, ordinal) =>
          node(ordinal, { isReady: isReady && !isTerminating, isTerminating }),
        );
        const [self] = nodes as [Node, ...Node[]];
        const added = entries.map(({ host, connected, withPort }) => ({
          addednode: `10.0.0.${host}${withPort ? ':18444' : ''}`,
          connected,
        }));
        const lists = after({ added, peers: [] }, planPeerChanges(self, nodes, { added, peers: [] }));
        const hosts = lists.added.map(({ addednode }) => hostOf(addednode));
        const others = nodes.slice(1);
        for (const other of others.filter(({ isReady }) => isReady)) expect(hosts).to.include(other.ip);
        for (const host of hosts) expect(others.some(other => other.ip === host && !other.isTerminating)).to.equal(true);
        expect(planPeerChanges(self, nodes, lists)).to.deep.equal([]);
      }),
    );
  });
});

describe('hostOf', () => {
  for (const [address, host] of [
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.1:18444', '10.0.0.1'],
    ['[fd00::1]:18444', 'fd00::1'],
    ['[fd00::1]', 'fd00::1'],
    ['fd00::1', 'fd00::1'],
    ['alice-sts-0.alice-svc:18444', 'alice-sts-0.alice-svc'],
  ] as const)
    it(`finds ${host} in ${address}`, () => expect(hostOf(address)).to.equal(host));
});
