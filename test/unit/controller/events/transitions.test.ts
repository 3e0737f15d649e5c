import { expect } from 'chai';
import type { BitcoinNetworkNode, BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { serviceNews, statefulSetNews, transitionNews } from '../../../../src/controller/events/transitions.ts';
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

const told = (previous: BitcoinNetworkStatus | undefined, now: BitcoinNetworkStatus, of = alice): string[] =>
  transitionNews(of, previous, now).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);

describe('the news of a network', () => {
  it('are none if nothing but numbers has changed', () => {
    const before = status([node(0)], { Connected: ['False', 'NodesNotReady', '1 of 3 nodes are ready'] });
    expect(told(before, status([node(0), node(1, false)], { Connected: ['False', 'NodesNotReady', 'x'] }))).to.deep.equal([]);
  });

  it('name the nodes that became ready, all in one', () => {
    expect(told(undefined, status([node(0), node(1), node(2, false)]))).to.deep.equal([
      'Normal NodeReady: Ready: alice-sts-0 (10.0.0.0), alice-sts-1 (10.0.0.1); 2 of 3 are ready',
    ]);
  });

  it('name at most ten nodes', () => {
    const many = Array.from({ length: 12 }, (_, ordinal) => node(ordinal));
    expect(told(undefined, status(many), network({ nodes: 12 })).join()).to.match(
      /alice-sts-9 \(10.0.0.9\) and 2 more; 12 of 12/,
    );
  });

  it('tell a lost node from one that was stopped because the spec asks for fewer', () => {
    const before = status([node(0), node(1), node(2), node(3)]);
    expect(told(before, status([node(0), node(1), node(2, false)]))).to.deep.equal([
      'Warning NodeLost: Lost alice-sts-2 (10.0.0.2); 2 of 3 are ready',
      'Normal NodeStopped: Stopped: alice-sts-3 (10.0.0.3); 2 of 3 are ready',
    ]);
  });

  it('take a node with a new address for lost and ready again', () => {
    expect(told(status([node(0)]), status([node(0, true, '10.0.9.9')]))).to.deep.equal([
      'Warning NodeLost: Lost alice-sts-0 (10.0.0.0); 1 of 3 are ready',
      'Normal NodeReady: Ready: alice-sts-0 (10.0.9.9); 1 of 3 are ready',
    ]);
  });

  it('say that the peers are connected when that begins, and again for another number of them', () => {
    const connected = (message: string) => status([], { Connected: ['True', 'PeersConnected', message] });
    expect(told(undefined, connected('each of 3'))).to.deep.equal(['Normal PeersConnected: Each of 3']);
    expect(told(connected('each of 3'), connected('each of 3'))).to.deep.equal([]);
    expect(told(connected('each of 3'), connected('each of 4'))).to.deep.equal(['Normal PeersConnected: Each of 4']);
  });

  it('say which credentials are used when that changes, and warn of the default ones', () => {
    const using = (state: 'True' | 'False', reason: string) =>
      status([], { CredentialsAvailable: [state, reason, 'the message'] });
    expect(told(undefined, using('True', 'DefaultCredentials'))).to.deep.equal(['Warning DefaultCredentials: The message']);
    expect(told(using('True', 'DefaultCredentials'), using('True', 'CredentialsFound'))).to.deep.equal([
      'Normal CredentialsFound: The message',
    ]);
    expect(told(using('True', 'CredentialsFound'), using('False', 'CredentialsMissing'))).to.deep.equal([]);
  });

  it('say what was done to its objects', () => {
    const before = { spec: { replicas: 2, selector: {}, template: {} } };
    const same = { spec: { replicas: 3, selector: {}, template: {} } };
    const messages = [
      serviceNews(alice, 'created'),
      serviceNews(alice, 'updated'),
      statefulSetNews(alice, 'created', undefined),
      statefulSetNews(alice, 'updated', before),
      statefulSetNews(alice, 'updated', same),
      statefulSetNews(alice, 'recreated', same),
    ].map(({ reason, message }) => `${reason}: ${message}`);
    expect(messages).to.deep.equal([
      'ServiceCreated: Created Service alice-svc',
      'ServiceRepaired: Service alice-svc had been changed and is as it should be again',
      'StatefulSetCreated: Created StatefulSet alice-sts with 3 nodes',
      'StatefulSetScaled: Scaled StatefulSet alice-sts from 2 to 3',
      'StatefulSetUpdated: Updated StatefulSet alice-sts',
      'StatefulSetRecreated: Replaced StatefulSet alice-sts, which had fields that cannot be changed; its pods stay',
    ]);
  });
});
