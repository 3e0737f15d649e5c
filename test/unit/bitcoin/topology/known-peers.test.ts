import { expect } from 'chai';
import fc from 'fast-check';
import { nodeOfPeer, observedPeers } from '../../../../src/bitcoin/topology/known-peers.ts';
import { node } from '../../../support/builders.ts';

const nodes = [node(0), node(1), node(2), node(11)];
const peer = (addr: string, inbound: boolean, subver = '') => ({ id: 0, addr, inbound, subver });

describe('nodeOfPeer', () => {
  const ordinalOf = (addr: string, inbound: boolean, subver?: string) => nodeOfPeer(nodes, peer(addr, inbound, subver))?.ordinal;

  it('is the node that has the address, with or without a port', () => {
    expect(ordinalOf('10.0.0.2:18444', false)).to.equal(1);
    expect(ordinalOf('10.0.0.2:40123', true)).to.equal(1);
    expect(ordinalOf('10.0.0.3', false)).to.equal(2);
  });

  it('is the node that an inbound peer names as a comment of its user agent, also among others', () => {
    for (const subver of ['/Satoshi:29.0.0(alice-sts-1)/', '/Satoshi:29.0.0(lab; alice-sts-1)/Knots:20250305(x)/'])
      expect(ordinalOf('172.16.0.1:40123', true, subver)).to.equal(1);
  });

  it('is no node where the name is part of another word, or the node has dialled another address', () => {
    for (const subver of ['/Satoshi:29.0.0(alice-sts-111)/', '/alice-sts-1/', '(alice-sts-1', '(alice-sts-1;x)', ''])
      expect(ordinalOf('172.16.0.1:40123', true, subver)).to.equal(undefined);
    expect(ordinalOf('192.0.2.1:18444', false, '/Satoshi:29.0.0(alice-sts-1)/')).to.equal(undefined);
  });

  it('is a node or none, whatever the user agent is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 256, unit: fc.constantFrom('(', ')', ';', ' ', 'alice-sts-1', '/') }), subver => {
        expect(nodeOfPeer(nodes, peer('172.16.0.1:1', true, subver))?.ordinal).to.be.oneOf([undefined, 1]);
      }),
    );
  });
});

describe('observedPeers', () => {
  it('reports the connections with nodes and who dialled, and the number of other peers', () => {
    const peers = [
      peer('10.0.0.2:18444', false),
      peer('10.0.0.3:40123', true),
      peer('172.16.0.1:40123', true, '/Satoshi:29.0.0(alice-sts-11)/'),
      peer('192.0.2.1:18444', false),
      peer('10.0.0.1:18444', false),
    ];
    expect(observedPeers(node(0), nodes, { added: [], peers })).to.deep.equal({
      connections: [
        { ordinal: 1, isInbound: false },
        { ordinal: 2, isInbound: true },
        { ordinal: 11, isInbound: true },
      ],
      outsidePeers: 1,
    });
  });
});
