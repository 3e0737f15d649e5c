import { expect } from 'chai';
import { bitcoindArguments } from '../../../../src/bitcoin/resources/bitcoind-arguments.ts';
import type { BitcoinNetworkSpec } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import type { NodeSettings } from '../../../../src/bitcoin/api/node-settings.ts';
import { isManaged, nodeSetsOf } from '../../../../src/bitcoin/resources/node-sets.ts';
import { defaultSetOf, network } from '../../../support/builders.ts';

const group = (name: string, nodes: number, start: number, settings: NodeSettings = {}) => ({
  name,
  nodes,
  ordinals: { start },
  ...settings,
});

describe('nodeSetsOf', () => {
  it('has one set without groups, from ordinal 0', () => {
    expect(nodeSetsOf(network({ nodes: 4 }))).to.deep.equal([{ name: 'alice-sts', start: 0, nodes: 4, settings: {} }]);
  });

  it('counts the nodes of the groups within the nodes of the network, and orders groups by their ordinals', () => {
    const groups = [group('new', 2, 200), group('old', 3, 100)];
    expect(nodeSetsOf(network({ nodes: 12, groups }))).to.deep.equal([
      { name: 'alice-sts', start: 0, nodes: 7, settings: {} },
      { name: 'alice-sts-old', group: 'old', start: 100, nodes: 3, settings: {} },
      { name: 'alice-sts-new', group: 'new', start: 200, nodes: 2, settings: {} },
    ]);
  });

  it('keeps the set of the nodes in no group when all are in groups', () => {
    const [own, old] = nodeSetsOf(network({ nodes: 3, groups: [group('old', 3, 0)] }));
    expect(own).to.include({ name: 'alice-sts', nodes: 0 });
    expect(old).to.include({ start: 0, nodes: 3 });
  });

  it('merges the settings of each group over those of the network', () => {
    const declared = network({
      image: 'core:31',
      bitcoinConf: ['txindex=1'],
      groups: [group('old', 1, 9, { image: 'core:27' })],
    });
    expect(nodeSetsOf(declared).map(({ settings }) => settings)).to.deep.equal([
      { image: 'core:31', bitcoinConf: ['txindex=1'] },
      { image: 'core:27', bitcoinConf: ['txindex=1'] },
    ]);
  });
});

describe('isManaged', () => {
  const isDefaultManaged = (spec: Partial<BitcoinNetworkSpec>): boolean => {
    const declared = network(spec);
    return isManaged(declared.spec, defaultSetOf(declared));
  };

  const unmanaged: readonly Partial<BitcoinNetworkSpec>[] = [
    {},
    { secret: 's' },
    { resources: { limits: { memory: '2Gi' } } },
    { podTemplate: { metadata: { labels: { a: 'b' } } } },
    { imagePullPolicy: 'Always' },
    { bitcoinConf: [] },
    { externalPeers: [{ address: 'a:1' }] },
    { services: {}, networkPolicy: {}, podDisruptionBudget: {} },
    { groups: [group('old', 1, 9, { image: 'core:27' })] },
  ];
  for (const spec of unmanaged)
    it(`is false for nodes in no group with ${JSON.stringify(spec)}: they start as the image does`, () => {
      expect(isDefaultManaged(spec)).to.equal(false);
    });

  const managed: readonly Partial<BitcoinNetworkSpec>[] = [
    { chain: 'regtest' },
    { chain: 'signet', signet: { challenge: '51' } },
    { peerDiscovery: 'Disabled' },
    { image: 'core:31' },
    { bitcoinConf: ['txindex=1'] },
    { zmq: { topics: ['rawtx'] } },
  ];
  for (const spec of managed)
    it(`is true with ${JSON.stringify(spec)}`, () => {
      expect(isDefaultManaged(spec)).to.equal(true);
    });

  it('is true for every group', () => {
    const declared = network({ groups: [group('old', 1, 9)] });
    expect(nodeSetsOf(declared).map(set => isManaged(declared.spec, set))).to.deep.equal([false, true]);
  });
});

describe('bitcoindArguments', () => {
  const argumentsOf = (spec: Partial<BitcoinNetworkSpec>, largestInbound = 0): string[] => {
    const declared = network(spec);
    return bitcoindArguments(declared.spec, defaultSetOf(declared), largestInbound);
  };

  it('is empty without settings', () => {
    expect(argumentsOf({})).to.deep.equal([]);
  });

  it('has the chain first, then ZMQ on one port, and the lines of bitcoinConf last, so that they win', () => {
    expect(
      argumentsOf({
        chain: 'signet',
        signet: { challenge: '51', blockTimeSeconds: 30 },
        zmq: { topics: ['rawblock', 'rawtx'] },
        bitcoinConf: ['debug=net', 'dbcache=50'],
      }),
    ).to.deep.equal([
      '-signetchallenge=51',
      '-signetblocktime=30',
      '-zmqpubrawblock=tcp://0.0.0.0:28332',
      '-zmqpubrawtx=tcp://0.0.0.0:28332',
      '-debug=net',
      '-dbcache=50',
    ]);
    expect(argumentsOf({ zmq: { topics: ['sequence'], port: 3000 } })).to.deep.equal(['-zmqpubsequence=tcp://0.0.0.0:3000']);
  });

  it('reaches bitcoind as it was written: Kubernetes replaces no variable in it, such as the password', () => {
    expect(argumentsOf({ bitcoinConf: ['alertnotify=echo $(BC_RPC_PASSWORD) $$x'] })).to.deep.equal([
      '-alertnotify=echo $$(BC_RPC_PASSWORD) $$$$x',
    ]);
  });

  for (const [largestInbound, connections] of [
    [0, undefined],
    [109, undefined],
    [110, 250],
    [234, 250],
    [235, 500],
    [999, 2000],
  ] as const)
    it(`takes ${largestInbound} inbound connections with ${connections === undefined ? 'what bitcoind has by default' : `maxconnections=${connections}`}`, () => {
      const expected = connections === undefined ? [] : [`-maxconnections=${connections}`];
      expect(argumentsOf({}, largestInbound)).to.deep.equal(expected);
    });
});
