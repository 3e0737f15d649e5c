import { expect } from 'chai';
import type { BitcoinNetworkNode, BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { transitionEvents } from '../../../../src/controller/events/transitions.ts';
import { network } from '../../../support/builders.ts';

const alice = network({ nodes: 3 });

const node = (ordinal: number, ready = true, ip = `10.0.0.${ordinal}`): BitcoinNetworkNode => {
  const nodeName = `alice-sts-${ordinal}`;
  return { ordinal, ready, ip, nodeName, dnsName: `${nodeName}.alice-svc` };
};

function status(
  nodes: readonly BitcoinNetworkNode[],
  conditions: Readonly<Record<string, readonly [status: 'True' | 'False', reason: string, message: string]>> = {},
): BitcoinNetworkStatus {
  return {
    readyNodes: nodes.filter(({ ready }) => ready).length,
    nodes: [...nodes],
    conditions: Object.entries(conditions).map(([type, [state, reason, message]]) => ({
      ...{ type, status: state, reason, message },
      lastTransitionTime: '2026-01-01T00:00:00Z',
    })),
  };
}

const eventsBetween = (previous: BitcoinNetworkStatus | undefined, now: BitcoinNetworkStatus, of = alice): string[] =>
  transitionEvents(of, previous, now).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);

describe('the events of a network', () => {
  it('are none if only the number of ready nodes changes in a message', () => {
    const before = status([node(0)], { Connected: ['False', 'NodesNotReady', '1 of 3 nodes are ready'] });
    expect(
      eventsBetween(before, status([node(0), node(1, false)], { Connected: ['False', 'NodesNotReady', 'x'] })),
    ).to.deep.equal([]);
  });

  it('name all nodes that became ready in one event', () => {
    expect(eventsBetween(undefined, status([node(0), node(1), node(2, false)]))).to.deep.equal([
      'Normal NodeReady: Ready: alice-sts-0 (10.0.0.0), alice-sts-1 (10.0.0.1); 2 of 3 are ready',
    ]);
  });

  it('name at most ten nodes', () => {
    const many = Array.from({ length: 12 }, (_, ordinal) => node(ordinal));
    expect(eventsBetween(undefined, status(many), network({ nodes: 12 })).join()).to.match(
      /alice-sts-9 \(10.0.0.9\) and 2 more; 12 of 12/,
    );
  });

  it('distinguish a lost node from one that was stopped because the spec wants fewer', () => {
    const before = status([node(0), node(1), node(2), node(3)]);
    expect(eventsBetween(before, status([node(0), node(1), node(2, false)]))).to.deep.equal([
      'Warning NodeLost: Lost alice-sts-2 (10.0.0.2); 2 of 3 are ready',
      'Normal NodeStopped: Stopped: alice-sts-3 (10.0.0.3); 2 of 3 are ready',
    ]);
  });

  it('report a node whose ordinal passed to another set as stopped', () => {
    const nodeName = 'alice-sts-x-2';
    const ofGroup = { ...node(2), group: 'x', nodeName, dnsName: `${nodeName}.alice-svc` };
    const of = network({ nodes: 3, groups: [{ name: 'x', nodes: 1, ordinals: { start: 2 } }] });
    expect(eventsBetween(status([node(0), node(1), node(2)]), status([node(0), node(1), ofGroup]), of)).to.deep.equal([
      'Normal NodeStopped: Stopped: alice-sts-2 (10.0.0.2); 3 of 3 are ready',
      'Normal NodeReady: Ready: alice-sts-x-2 (10.0.0.2); 3 of 3 are ready',
    ]);
  });

  it('report a node with a new address as lost and as ready', () => {
    expect(eventsBetween(status([node(0)]), status([node(0, true, '10.0.9.9')]))).to.deep.equal([
      'Warning NodeLost: Lost alice-sts-0 (10.0.0.0); 1 of 3 are ready',
      'Normal NodeReady: Ready: alice-sts-0 (10.0.9.9); 1 of 3 are ready',
    ]);
  });

  it('report connected peers when they become connected, and again for another number of nodes', () => {
    const connected = (message: string) => status([], { Connected: ['True', 'PeersConnected', message] });
    expect(eventsBetween(undefined, connected('each of 3'))).to.deep.equal(['Normal PeersConnected: Each of 3']);
    expect(eventsBetween(connected('each of 3'), connected('each of 3'))).to.deep.equal([]);
    expect(eventsBetween(connected('each of 3'), connected('each of 4'))).to.deep.equal(['Normal PeersConnected: Each of 4']);
  });

  it('report the credentials in use when they change, and warn of the default ones', () => {
    const using = (state: 'True' | 'False', reason: string) =>
      status([], { CredentialsAvailable: [state, reason, 'the message'] });
    expect(eventsBetween(undefined, using('True', 'DefaultCredentials'))).to.deep.equal([
      'Warning DefaultCredentials: The message',
    ]);
    expect(eventsBetween(using('True', 'DefaultCredentials'), using('True', 'CredentialsFound'))).to.deep.equal([
      'Normal CredentialsFound: The message',
    ]);
    expect(eventsBetween(using('True', 'CredentialsFound'), using('False', 'CredentialsMissing'))).to.deep.equal([]);
  });
});
