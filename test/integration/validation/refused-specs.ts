// Specs that the API server must refuse, with the field that it must name and what it must say about it.

export interface RefusedSpec {
  readonly spec: Readonly<Record<string, unknown>>;
  /** As in the causes of the API server's answer. */
  readonly field: string;
  readonly message: RegExp;
  /** Default: n. */
  readonly name?: string;
}

const groupOf = (fields: object = {}) => ({ name: 'old', nodes: 2, ordinals: { start: 100 }, ...fields });
const withGroups = (...groups: object[]) => ({ nodes: 10, groups });
const inPods = (fields: object) => ({ nodes: 1, podTemplate: { spec: fields } });
const withTopology = (topology: object, nodes = 12) => ({ nodes, topology });
const isReserved = /the controller sets this key/;

const chain: Readonly<Record<string, RefusedSpec>> = {
  'a chain that bitcoind does not have': {
    spec: { nodes: 1, chain: 'testnet3' },
    field: 'spec.chain',
    message: /supported values: "main", "testnet4", "signet", "regtest"/,
  },
  'a signet on the default chain': {
    spec: { nodes: 1, signet: { challenge: '51' } },
    field: 'spec.signet',
    message: /only allowed with chain: signet/,
  },
  'a signet on main': { spec: { nodes: 1, chain: 'main', signet: {} }, field: 'spec.signet', message: /only allowed with chain/ },
  'a challenge with half a byte': {
    spec: { nodes: 1, chain: 'signet', signet: { challenge: '512' } },
    field: 'spec.signet.challenge',
    message: /must be a script in hexadecimal/,
  },
  'a challenge with capital letters': {
    spec: { nodes: 1, chain: 'signet', signet: { challenge: '51AE' } },
    field: 'spec.signet.challenge',
    message: /must be a script in hexadecimal/,
  },
  'a block time of the public signet': {
    spec: { nodes: 1, chain: 'signet', signet: { blockTimeSeconds: 30 } },
    field: 'spec.signet.blockTimeSeconds',
    message: /needs signet\.challenge/,
  },
  'a block time of zero': {
    spec: { nodes: 1, chain: 'signet', signet: { challenge: '51', blockTimeSeconds: 0 } },
    field: 'spec.signet.blockTimeSeconds',
    message: /greater than or equal to 1/,
  },
  'a third kind of peer discovery': {
    spec: { nodes: 1, peerDiscovery: 'Off' },
    field: 'spec.peerDiscovery',
    message: /supported values: "Enabled", "Disabled"/,
  },
  'the address of a peer with a blank': {
    spec: { nodes: 1, externalPeers: [{ address: 'seed example' }] },
    field: 'spec.externalPeers[0].address',
    message: /must be HOST or HOST:PORT/,
  },
  'the URL of a peer': {
    spec: { nodes: 1, externalPeers: [{ address: 'tcp://seed.example:8333' }] },
    field: 'spec.externalPeers[0].address',
    message: /must be HOST or HOST:PORT/,
  },
  ...Object.fromEntries(
    ['seed.example:0', '192.0.2.1:65536', '[2001:db8::1]:70000', 'seed.example:99999', 'seed.example:100000'].map(address => [
      `a peer with a port that there is not: ${address}`,
      {
        spec: { nodes: 1, externalPeers: [{ address }] },
        field: 'spec.externalPeers[0].address',
        message: /with a port from 1 to 65535/,
      },
    ]),
  ),
  'a peer that is given twice': {
    spec: { nodes: 1, externalPeers: [{ address: 'seed.example' }, { address: 'seed.example', ordinals: [1] }] },
    field: 'spec.externalPeers[1]',
    message: /Duplicate value/,
  },
};

const settings: Readonly<Record<string, RefusedSpec>> = {
  'an image with a blank': {
    spec: { nodes: 1, image: 'bitcoin :31' },
    field: 'spec.image',
    message: /must be the reference of an image/,
  },
  'a pull policy that there is not': {
    spec: { nodes: 1, imagePullPolicy: 'Sometimes' },
    field: 'spec.imagePullPolicy',
    message: /supported values: "Always"/,
  },
  'memory in a unit that there is not': {
    spec: { nodes: 1, resources: { limits: { memory: '1GB' } } },
    field: 'spec.resources.limits.memory',
    message: /should match/,
  },
  'a configuration key without a value': {
    spec: { nodes: 1, bitcoinConf: ['debug=net', 'txindex'] },
    field: 'spec.bitcoinConf[1]',
    message: /must be KEY=VALUE on one line/,
  },
  'two configuration lines in one': {
    spec: { nodes: 1, bitcoinConf: ['debug=net\nrpcuser=x'] },
    field: 'spec.bitcoinConf[0]',
    message: /must be KEY=VALUE on one line/,
  },
  'a section of the configuration': {
    spec: { nodes: 1, bitcoinConf: ['[regtest]'] },
    field: 'spec.bitcoinConf[0]',
    message: /without a section/,
  },
  'txindex with pruning': {
    spec: { nodes: 1, bitcoinConf: ['txindex=1', 'prune=550'] },
    field: 'spec.bitcoinConf',
    message: /txindex and prune exclude each other/,
  },
  'txindex with pruning in a group': {
    spec: withGroups(groupOf({ bitcoinConf: ['prune=1', 'txindex='] })),
    field: 'spec.groups[0].bitcoinConf',
    message: /txindex and prune exclude each other/,
  },
  'more lines than an argument list should have': {
    spec: { nodes: 1, bitcoinConf: Array.from({ length: 49 }, () => 'debug=net') },
    field: 'spec.bitcoinConf',
    message: /at most 48 items/,
  },
  'a topic that bitcoind does not publish': {
    spec: { nodes: 1, zmq: { topics: ['blocks'] } },
    field: 'spec.zmq.topics[0]',
    message: /supported values: "hashblock"/,
  },
  'notifications without a topic': {
    spec: { nodes: 1, zmq: { topics: [] } },
    field: 'spec.zmq.topics',
    message: /at least 1 items/,
  },
  'notifications on the port of JSON-RPC': {
    spec: { nodes: 1, zmq: { topics: ['rawtx'], port: 18_443 } },
    field: 'spec.zmq.port',
    message: /must not be a port of bitcoind's RPC or P2P/,
  },
  ...Object.fromEntries(
    [8334, 18_445, 38_334, 48_334].map(port => [
      `notifications on the port ${port}, which bitcoind opens for connections by Tor`,
      { spec: { nodes: 1, zmq: { topics: ['rawtx'], port } }, field: 'spec.zmq.port', message: /or the one after P2P/ },
    ]),
  ),
  "a container with the name of bitcoind's": {
    spec: inPods({ containers: [{ name: 'bitcoind', image: 'x' }] }),
    field: 'spec.podTemplate.spec.containers',
    message: /bitcoind is the name of the controller's container/,
  },
  "an init container with the name of bitcoind's": {
    spec: withGroups(groupOf({ podTemplate: { spec: { initContainers: [{ name: 'bitcoind' }] } } })),
    field: 'spec.groups[0].podTemplate.spec.initContainers',
    message: /bitcoind is the name of the controller's container/,
  },
  "a volume with the name of the controller's": {
    spec: inPods({ volumes: [{ name: 'data', emptyDir: {} }] }),
    field: 'spec.podTemplate.spec.volumes',
    message: /names of the controller's volumes/,
  },
  'a container without a name': {
    spec: inPods({ containers: [{ image: 'x' }] }),
    field: 'spec.podTemplate.spec.containers[0].name',
    message: /Required/,
  },
  'a label value with a blank': {
    spec: { nodes: 1, podTemplate: { metadata: { labels: { team: 'a b' } } } },
    field: 'spec.podTemplate.metadata.labels.team',
    message: /should match/,
  },
  'a grace period below zero': {
    spec: inPods({ terminationGracePeriodSeconds: -1 }),
    field: 'spec.podTemplate.spec.terminationGracePeriodSeconds',
    message: /greater than or equal to 0/,
  },
};

const reservedLines: Readonly<Record<string, RefusedSpec>> = Object.fromEntries(
  [
    ...['chain=main', 'regtest=1', 'signetchallenge=51', 'datadir=/data', 'conf=/data/x', 'daemon=1', 'stopatheight=9'],
    ...['server=0', 'noserver=1', 'rpcuser=me', 'rpcauth=me:00$11', 'rpcport=1', 'rpcallowip=::/0', 'bind=127.0.0.1'],
    ...['connect=10.0.0.1', 'addnode=10.0.0.1', 'nolisten=1', 'nodns=1', 'proxy=127.0.0.1:9050', 'onlynet=onion'],
    ...['networkactive=0', 'maxconnections=8', 'uacomment=me', 'nodebuglogfile=0', 'printtoconsole=0', 'maxtipage=1'],
    ...['zmqpubrawtx=tcp://0.0.0.0:1'],
  ].map(line => [
    `a configuration line of the controller: ${line}`,
    { spec: { nodes: 1, bitcoinConf: ['debug=net', line] }, field: 'spec.bitcoinConf[1]', message: isReserved },
  ]),
);

const groups: Readonly<Record<string, RefusedSpec>> = {
  'groups with more nodes than the network': {
    spec: { nodes: 3, groups: [groupOf(), groupOf({ name: 'new', ordinals: { start: 200 } })] },
    field: 'spec.nodes',
    message: /at least the sum of the nodes of all groups/,
  },
  'a group among the ordinals of the nodes in no group': {
    spec: withGroups(groupOf({ ordinals: { start: 7 } })),
    field: 'spec.groups',
    message: /nodes in no group have the ordinals from 0/,
  },
  'two groups with an ordinal in common': {
    spec: withGroups(groupOf(), groupOf({ name: 'new', ordinals: { start: 101 } })),
    field: 'spec.groups',
    message: /two groups have an ordinal in common/,
  },
  'two groups of one name': {
    spec: withGroups(groupOf(), groupOf({ ordinals: { start: 200 } })),
    field: 'spec.groups[1]',
    message: /Duplicate value/,
  },
  'a group without a start of its ordinals': {
    spec: withGroups({ name: 'old', nodes: 2 }),
    field: 'spec.groups[0].ordinals',
    message: /Required/,
  },
  'the group default': {
    spec: withGroups(groupOf({ name: 'default' })),
    field: 'spec.groups[0].name',
    message: /not be default/,
  },
  ...Object.fromEntries(
    ['a-sts', 'sts', 'a-sts-b', 'sts-b', 'sts-sts-b'].map(name => [
      `a group that could be another network's StatefulSet: ${name}`,
      { spec: withGroups(groupOf({ name })), field: 'spec.groups[0].name', message: /must not end in sts, start with sts- or/ },
    ]),
  ),
  'a group that ends in a digit': {
    spec: withGroups(groupOf({ name: 'v27' })),
    field: 'spec.groups[0].name',
    message: /starting and ending with a letter/,
  },
  'a group with a long name': {
    spec: withGroups(groupOf({ name: 'sixteenletterslo' })),
    field: 'spec.groups[0].name',
    message: /Too long|more than 15/,
  },
  'a group whose name and that of the network are too long': {
    name: 'n'.repeat(45),
    spec: withGroups(groupOf()),
    field: '<nil>',
    message: /metadata\.name and the name of a group must have at most 47 characters together/,
  },
  'more groups than there may be': {
    spec: withGroups(
      ...Array.from({ length: 17 }, (_, n) => groupOf({ name: `g${'x'.repeat(n % 10)}a`, ordinals: { start: n } })),
    ),
    field: 'spec.groups',
    message: /at most 16 items/,
  },
};

const topology: Readonly<Record<string, RefusedSpec>> = {
  'a topology that there is not': {
    spec: withTopology({ type: 'Cube' }),
    field: 'spec.topology.type',
    message: /supported values: "FullMesh"/,
  },
  'a random graph without its degree': {
    spec: withTopology({ type: 'Random' }),
    field: 'spec.topology.random',
    message: /random is required with type Random/,
  },
  'a random graph with neither degree nor outbound': {
    spec: withTopology({ type: 'Random', random: {} }),
    field: 'spec.topology.random',
    message: /must have either degree .* or outbound/,
  },
  'a random graph with degree and outbound': {
    spec: withTopology({ type: 'Random', random: { degree: 3, outbound: 3 } }),
    field: 'spec.topology.random',
    message: /must have either degree .* or outbound/,
  },
  'more outbound edges than bitcoind keeps': {
    spec: withTopology({ type: 'Random', random: { outbound: 9 } }),
    field: 'spec.topology.random.outbound',
    message: /less than or equal to 8/,
  },
  'a random graph of degree 1': {
    spec: withTopology({ type: 'Random', random: { degree: 1 } }),
    field: 'spec.topology.random.degree',
    message: /greater than or equal to 2/,
  },
  'the degree of a ring': {
    spec: withTopology({ type: 'Ring', random: { degree: 2 } }),
    field: 'spec.topology.random',
    message: /only allowed with it/,
  },
  'the hub of a ring': {
    spec: withTopology({ type: 'Ring', star: { hub: 0 } }),
    field: 'spec.topology.star',
    message: /star is only allowed with type Star/,
  },
  'the arity of a star': {
    spec: withTopology({ type: 'Star', tree: { arity: 2 } }),
    field: 'spec.topology.tree',
    message: /tree is only allowed with type Tree/,
  },
  'the seed of a star': {
    spec: withTopology({ type: 'Star', seed: 1 }),
    field: 'spec.topology.seed',
    message: /seed is only allowed with type Random or Groups/,
  },
  'bridges between the groups of a mesh': {
    spec: withTopology({ type: 'FullMesh', groups: { bridges: 2 } }),
    field: 'spec.topology.groups',
    message: /groups is only allowed with type Groups/,
  },
  'the degree of meshes within groups': {
    spec: withTopology({ type: 'Groups', groups: { degree: 3 } }),
    field: 'spec.topology.groups.degree',
    message: /only allowed with within: Random/,
  },
  'edges of a ring': {
    spec: withTopology({ type: 'Ring', edges: [{ from: 0, to: 1 }] }),
    field: 'spec.topology.edges',
    message: /edges is required with type Edges, and only allowed with it/,
  },
  'an edge of a node to itself': {
    spec: withTopology({
      type: 'Edges',
      edges: [
        { from: 0, to: 1 },
        { from: 2, to: 2 },
      ],
    }),
    field: 'spec.topology.edges[1]',
    message: /must join two different nodes/,
  },
  'a full mesh of 101 nodes': {
    spec: withTopology({ type: 'FullMesh' }, 101),
    field: 'spec.topology',
    message: /at most 100 nodes \(4,950 edges\): use type Random or Groups/,
  },
  'a full mesh of 101 nodes within one group': {
    spec: { nodes: 103, topology: { type: 'Groups' }, groups: [groupOf({ ordinals: { start: 200 } })] },
    field: 'spec.topology',
    message: /a full mesh within a group has at most 100 nodes/,
  },
};

const outside: Readonly<Record<string, RefusedSpec>> = {
  'a P2P Service of a type without a way in': {
    spec: { nodes: 1, services: { p2pPerNode: { type: 'ClusterIP' } } },
    field: 'spec.services.p2pPerNode.type',
    message: /supported values: "NodePort", "LoadBalancer"/,
  },
  'an RPC Service without a type': {
    spec: { nodes: 1, services: { rpc: {} } },
    field: 'spec.services.rpc.type',
    message: /Required/,
  },
  'a network policy with a third kind of egress': {
    spec: { nodes: 1, networkPolicy: { egress: 'None' } },
    field: 'spec.networkPolicy.egress',
    message: /supported values: "Restricted", "Unrestricted"/,
  },
  'a budget of more than all nodes': {
    spec: { nodes: 1, podDisruptionBudget: { maxUnavailable: '101%' } },
    field: 'spec.podDisruptionBudget.maxUnavailable',
    message: /must be a number from 0, or a percentage/,
  },
  'a rollout of no node at a time': {
    spec: { nodes: 1, rollout: { maxUnavailable: 0 } },
    field: 'spec.rollout.maxUnavailable',
    message: /must be a number from 1, or a percentage from 1% to 100%/,
  },
  'a rollout of 0 percent at a time': {
    spec: { nodes: 1, rollout: { maxUnavailable: '0%' } },
    field: 'spec.rollout.maxUnavailable',
    message: /must be a number from 1, or a percentage from 1% to 100%/,
  },
  'a rollout without time for a node': {
    spec: { nodes: 1, rollout: { progressDeadlineSeconds: 0 } },
    field: 'spec.rollout.progressDeadlineSeconds',
    message: /greater than or equal to 1/,
  },
  'a budget below zero': {
    spec: { nodes: 1, podDisruptionBudget: { maxUnavailable: -1 } },
    field: 'spec.podDisruptionBudget.maxUnavailable',
    message: /must be a number from 0, or a percentage/,
  },
};

const withPart = (part: object) => ({ nodes: 6, partition: { parts: [part] } });
const partition: Readonly<Record<string, RefusedSpec>> = {
  'a part that names no node': {
    spec: withPart({ name: 'a' }),
    field: 'spec.partition.parts[0]',
    message: /must name nodes: give ordinals, groups or both/,
  },
  'a part with the name of the others': {
    spec: withPart({ name: 'rest', ordinals: [0] }),
    field: 'spec.partition.parts[0].name',
    message: /must not be rest/,
  },
  'a part with a capital letter': {
    spec: withPart({ name: 'A', ordinals: [0] }),
    field: 'spec.partition.parts[0].name',
    message: /must be lower-case letters/,
  },
  'a partition that heals at once': {
    spec: { nodes: 2, partition: { parts: [], healAfterSeconds: 0 } },
    field: 'spec.partition.healAfterSeconds',
    message: /greater than or equal to 1/,
  },
  'a partition without a list of parts': {
    spec: { nodes: 2, partition: { healAfterSeconds: 5 } },
    field: 'spec.partition.parts',
    message: /Required/,
  },
};

const withBlocks = (blockProduction: object, fields: object = {}) => ({ nodes: 3, blockProduction, ...fields });
const blocks: Readonly<Record<string, RefusedSpec>> = {
  'blocks neither at once nor as time goes by': {
    spec: withBlocks({ seed: 1 }),
    field: 'spec.blockProduction',
    message: /must have intervalSeconds .* initialBlocks/,
  },
  'a distribution of nothing': {
    spec: withBlocks({ initialBlocks: 1, distribution: 'Fixed' }),
    field: 'spec.blockProduction.distribution',
    message: /needs intervalSeconds/,
  },
  'weights of producers that take turns': {
    spec: withBlocks({ intervalSeconds: 1, producers: [{ ordinal: 0, weight: 2 }] }),
    field: 'spec.blockProduction.producers',
    message: /only allowed with selection: Random/,
  },
  'blocks on main': {
    spec: withBlocks({ intervalSeconds: 1 }, { chain: 'main' }),
    field: 'spec.blockProduction',
    message: /only on regtest and on a signet with a challenge of your own/,
  },
  'blocks on the public signet': {
    spec: withBlocks({ intervalSeconds: 1 }, { chain: 'signet' }),
    field: 'spec.blockProduction',
    message: /only on regtest and on a signet with a challenge of your own/,
  },
  'blocks that need a signature': {
    spec: withBlocks({ intervalSeconds: 1 }, { chain: 'signet', signet: { challenge: '5121aa51ae' } }),
    field: 'spec.blockProduction',
    message: /challenge 51: other challenges need a signature/,
  },
  'rewards for what is no descriptor': {
    spec: withBlocks({ intervalSeconds: 1, payTo: 'bcrt1qs758' }),
    field: 'spec.blockProduction.payTo',
    message: /must be an output descriptor/,
  },
  'rewards for a private key': {
    spec: withBlocks({ intervalSeconds: 1, payTo: 'wpkh(tprv8Zg)' }),
    field: 'spec.blockProduction.payTo',
    message: /must not have a private key/,
  },
  ...Object.fromEntries(
    Object.entries({
      'of a test chain': 'wpkh(cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMXcA)',
      'of a test chain, uncompressed': 'pkh(91avARGdfge8E4tZfYLoxeJ5sGBdNJQH4kvjJoQFacbgwmaKkrx)',
      'of main': 'sh(wpkh([d34db33f/84h]KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn))',
      'of main, uncompressed': 'multi(1,5HpHagT65TZzG1PH3CSu63k8DbpvD8s5ip4nEB3kEsreAnchuDf)#aaaaaaaa',
    }).map(([name, payTo]) => [
      `rewards for a key in the wallet import format ${name}`,
      {
        spec: withBlocks({ intervalSeconds: 1, payTo }),
        field: 'spec.blockProduction.payTo',
        message: /must not have a private key/,
      },
    ]),
  ),
};

const bootstrap: Readonly<Record<string, RefusedSpec>> = {
  'blocks of the network itself': {
    spec: { nodes: 1, bootstrap: { network: { name: 'n' } } },
    field: '<nil>',
    message: /spec\.bootstrap\.network\.name must be the name of another network/,
  },
  'blocks of no network': { spec: { nodes: 1, bootstrap: {} }, field: 'spec.bootstrap.network', message: /Required value/ },
  'no blocks of another network': {
    spec: { nodes: 1, bootstrap: { network: { name: 'golden' }, height: 0 } },
    field: 'spec.bootstrap.height',
    message: /greater than or equal to 1/,
  },
};

const wallets: Readonly<Record<string, RefusedSpec>> = {
  'a wallet whose name is a path': {
    spec: { nodes: 1, wallets: [{ name: '../miner' }] },
    field: 'spec.wallets[0].name',
    message: /must be letters, digits, "-" and "_"/,
  },
  'two wallets of one name': {
    spec: { nodes: 1, wallets: [{ name: 'miner' }, { name: 'miner' }] },
    field: 'spec.wallets[1]',
    message: /Duplicate value/,
  },
  'coins without blocks': {
    spec: { nodes: 1, wallets: [{ name: 'miner', blocks: 1 }], blockProduction: { intervalSeconds: 1 } },
    field: 'spec.wallets',
    message: /initialBlocks must be at least their sum/,
  },
  'more blocks for wallets than initial ones': {
    spec: {
      nodes: 1,
      wallets: [{ name: 'miner', blocks: 60 }, { name: 'empty' }, { name: 'user', blocks: 42 }],
      blockProduction: { initialBlocks: 101 },
    },
    field: 'spec.wallets',
    message: /initialBlocks must be at least their sum/,
  },
  'blocks for wallets among those that are copied': {
    spec: {
      nodes: 1,
      wallets: [{ name: 'miner', blocks: 2 }],
      bootstrap: { network: { name: 'golden' }, height: 300 },
      blockProduction: { initialBlocks: 301 },
    },
    field: 'spec.wallets',
    message: /with the blocks up to bootstrap\.height/,
  },
};

const storage: Readonly<Record<string, RefusedSpec>> = {
  'a volume without a size': { spec: { nodes: 1, storage: {} }, field: 'spec.storage.size', message: /Required value/ },
  'a size that is none': {
    spec: { nodes: 1, storage: { size: '-1Gi' } },
    field: 'spec.storage.size',
    message: /must be a whole number of bytes from 1, or of a unit/,
  },
  'a volume of 0 bytes in a group': {
    spec: withGroups(groupOf({ storage: { size: '0' } })),
    field: 'spec.groups[0].storage.size',
    message: /must be a whole number of bytes from 1/,
  },
  'a volume that many nodes may only read': {
    spec: { nodes: 1, storage: { size: '1Gi', accessMode: 'ReadOnlyMany' } },
    field: 'spec.storage.accessMode',
    message: /supported values: "ReadWriteOnce"/,
  },
  'a source of another kind': {
    spec: { nodes: 1, storage: { size: '1Gi', dataSource: { kind: 'Secret', name: 's' } } },
    field: 'spec.storage.dataSource.kind',
    message: /supported values: "VolumeSnapshot", "PersistentVolumeClaim"/,
  },
  'a retention that is none': {
    spec: { nodes: 1, storage: { size: '1Gi', retention: { whenDeleted: 'Keep' } } },
    field: 'spec.storage.retention.whenDeleted',
    message: /supported values: "Retain", "Delete"/,
  },
};

const time: Readonly<Record<string, RefusedSpec>> = {
  'a time of less than a minute': {
    spec: { nodes: 1, ttlSecondsAfterCreation: 59 },
    field: 'spec.ttlSecondsAfterCreation',
    message: /should be greater than or equal to 60/,
  },
  'a time with a unit': {
    spec: { nodes: 1, ttlSecondsAfterCreation: '30m' },
    field: 'spec.ttlSecondsAfterCreation',
    message: /must be of type integer/,
  },
  'a time of half a second': {
    spec: { nodes: 1, ttlSecondsAfterCreation: 60.5 },
    field: 'spec.ttlSecondsAfterCreation',
    message: /must be of type int32/,
  },
};

const credentials: Readonly<Record<string, RefusedSpec>> = {
  'hashes of no credentials': {
    spec: { nodes: 1, rpcAuth: { secretName: 's' } },
    field: 'spec.rpcAuth',
    message: /rpcAuth needs secret: the controller itself uses the user and the password of that Secret/,
  },
  'hashes of the default credentials': {
    spec: { nodes: 1, secret: '', rpcAuth: { secretName: 's' } },
    field: 'spec.rpcAuth',
    message: /rpcAuth needs secret/,
  },
  'hashes without a Secret': {
    spec: { nodes: 1, secret: 's', rpcAuth: {} },
    field: 'spec.rpcAuth.secretName',
    message: /Required/,
  },
  'hashes in a Secret of another namespace': {
    spec: { nodes: 1, secret: 's', rpcAuth: { secretName: 'other/s' } },
    field: 'spec.rpcAuth.secretName',
    message: /must be the name of a Secret in the same namespace/,
  },
  'hashes in a Secret without a name': {
    spec: { nodes: 1, secret: 's', rpcAuth: { secretName: '' } },
    field: 'spec.rpcAuth.secretName',
    message: /should be at least 1 chars long/,
  },
};

export const refusedSpecs: Readonly<Record<string, RefusedSpec>> = {
  ...chain,
  ...settings,
  ...reservedLines,
  ...groups,
  ...topology,
  ...partition,
  ...blocks,
  ...outside,
  ...bootstrap,
  ...wallets,
  ...storage,
  ...credentials,
  ...time,
};
