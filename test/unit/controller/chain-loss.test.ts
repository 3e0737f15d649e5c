import type { V1Pod } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { BitcoinNetwork, BitcoinNetworkSpec } from '../../../src/bitcoin/api/bitcoin-network.ts';
import type { NodeReport } from '../../../src/bitcoin/topology/connect-node.ts';
import { ChainLoss } from '../../../src/controller/chain-loss.ts';
import type { ObservedPod } from '../../../src/controller/pod-cache.ts';
import { network, node, pod } from '../../support/builders.ts';

const height = 300;
const ipOf = (ordinal: number, life: number): string => `10.0.${life}.${ordinal}`;

/** A network whose status has a chain of that height, on nodes of their first life. */
const networkOf = (spec: Partial<BitcoinNetworkSpec>, nodes: readonly number[] = []): BitcoinNetwork => ({
  ...network(spec),
  status: {
    chain: { name: 'regtest', height, tip: 'tip-300', tips: 1, forkDepth: 0 },
    nodes: nodes.map(ordinal => ({
      ...{ ordinal, ready: true, ip: ipOf(ordinal, 1), nodeName: `alice-sts-${ordinal}`, dnsName: '' },
      height,
    })),
  },
});

function podOf(ordinal: number, life: number, isReady = true): V1Pod {
  const made = pod(`alice-sts-${ordinal}`, { ip: ipOf(ordinal, life), isReady });
  return { ...made, metadata: { ...made.metadata, uid: `uid-${ordinal}-${life}` } };
}

const reportOf = (ordinal: number, life: number, reported: number, askedAtMs = 1_000): NodeReport => ({
  ...{ node: node(ordinal, { ip: ipOf(ordinal, life) }), isComplete: true, askedAtMs },
  chain: { height: reported, tip: `tip-${reported}` },
});

describe('ChainLoss', () => {
  let nowMs: number;
  let loss: ChainLoss;
  beforeEach(() => {
    nowMs = 500;
    loss = new ChainLoss(() => nowMs);
  });

  it('is of a chain that no node has any more after their pods were replaced', () => {
    expect(loss.observe(networkOf({ nodes: 1 }), [podOf(0, 1)], [reportOf(0, 1, height)]).verdict).to.equal('none');
    expect(loss.observe(networkOf({ nodes: 1 }), [], []).verdict).to.equal('none');
    expect(loss.observe(networkOf({ nodes: 1 }), [podOf(0, 2)], [reportOf(0, 2, 0)]).verdict).to.equal('lost');
  });

  it('is found by a controller that did not run meanwhile', () => {
    expect(
      loss.observe(networkOf({ nodes: 2 }), [podOf(0, 2), podOf(1, 2)], [reportOf(0, 2, 0), reportOf(1, 2, 0)]).verdict,
    ).to.equal('lost');
  });

  it('is not while a node with it has yet to report, and asks those whose reports are older', () => {
    const of = networkOf({ nodes: 2 });
    const pods = [podOf(0, 2), podOf(1, 1)];
    nowMs = 2_000;
    const observed = loss.observe(of, pods, [reportOf(0, 2, 0, 2_500), reportOf(1, 1, height - 1, 1_000)]);
    expect(observed).to.deep.equal({ verdict: 'possible', asks: ['alice-sts-1'] });
    expect(loss.observe(of, pods, [reportOf(0, 2, 0, 2_500)]).verdict).to.equal('possible');
    expect(loss.observe(of, pods, [reportOf(0, 2, 0, 2_500), reportOf(1, 1, height, 2_500)]).verdict).to.equal('none');
  });

  it('is also after a start of the controller, if the pods that do not report a chain have never run', () => {
    const of = networkOf({ nodes: 2 });
    const pulling: ObservedPod = { ...podOf(1, 2, false), neverRan: true };
    expect(loss.observe(of, [podOf(0, 2), pulling], [reportOf(0, 2, 0)]).verdict).to.equal('lost');
    expect(loss.isEmpty('uid-1-2')).to.equal(true);
    const later = new ChainLoss(() => nowMs);
    expect(later.observe(of, [podOf(0, 2), podOf(1, 2, false)], [reportOf(0, 2, 0)]).verdict).to.equal('possible');
  });

  it('is not while a pod that had it, or a volume, may come back with it', () => {
    const of = networkOf({ nodes: 2 });
    loss.observe(of, [podOf(0, 1), podOf(1, 1)], [reportOf(0, 1, height), reportOf(1, 1, height)]);
    expect(loss.observe(of, [podOf(0, 2), podOf(1, 1, false)], [reportOf(0, 2, 0)]).verdict).to.equal('possible');
    expect(loss.observe(of, [podOf(0, 2), podOf(1, 2, false)], [reportOf(0, 2, 0)]).verdict).to.equal('lost');
    const stored = networkOf({ nodes: 2, storage: { size: '1Gi' } });
    expect(loss.observe(stored, [podOf(0, 2)], [reportOf(0, 2, 0)]).verdict).to.equal('possible');
  });

  it('is not if a node that had the chain still runs: it was asked to make it shorter', () => {
    const of = networkOf({ nodes: 1 }, [0]);
    expect(loss.observe(of, [podOf(0, 1)], [reportOf(0, 1, height - 5)]).verdict).to.equal('none');
  });

  it('is if that node does not know its former tip any more, as after its container was killed in its pod', () => {
    const of = networkOf({ nodes: 2 }, [0, 1]);
    const pods = [podOf(0, 1), podOf(1, 1)];
    const emptied = { ...reportOf(0, 1, 0), knowsFormer: false };
    expect(loss.observe(of, pods, [emptied, { ...reportOf(1, 1, 0), knowsFormer: false }]).verdict).to.equal('lost');
    expect(loss.observe(of, pods, [emptied, { ...reportOf(1, 1, 9), knowsFormer: true }]).verdict).to.equal('none');
  });

  it('knows of a pod that was created since it observes the network that it has no blocks, until it reports some', () => {
    const of = networkOf({ nodes: 2 });
    loss.observe(of, [podOf(0, 1)], []);
    loss.observe(of, [podOf(0, 1), podOf(1, 2)], []);
    expect(['uid-0-1', 'uid-1-2'].map(uid => loss.isEmpty(uid))).to.deep.equal([false, true]);
    loss.observe(of, [podOf(0, 1), podOf(1, 2)], [reportOf(1, 2, 1)]);
    expect(loss.isEmpty('uid-1-2')).to.equal(false);
  });

  it('knows of no pod what it has after a time in which the network was not observed', () => {
    const of = networkOf({ nodes: 1 });
    loss.observe(of, [], []);
    loss.lapse();
    loss.observe(of, [podOf(0, 2)], []);
    expect(loss.isEmpty('uid-0-2')).to.equal(false);
  });

  it('is not of a public chain, whose blocks nodes find again', () => {
    const of = networkOf({ nodes: 1, chain: 'testnet4' });
    expect(loss.observe(of, [podOf(0, 2)], [reportOf(0, 2, 0)]).verdict).to.equal('none');
  });
});
