// Specs that the API server must accept and store as they are.

const group = (name: string, nodes: number, start: number, fields: object = {}) => ({
  name,
  nodes,
  ordinals: { start },
  ...fields,
});

export const acceptedSpecs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'two fields': { nodes: 3, secret: 'bitcoin-default-secret' },
  'a full mesh of three nodes': { nodes: 3, secret: 'bitcoin-default-secret', topology: { type: 'FullMesh' } },
  'a random graph of twelve nodes with a log of the net': {
    nodes: 12,
    secret: 'bitcoin-default-secret',
    bitcoinConf: ['debug=net', 'logips=1'],
    topology: { type: 'Random', random: { degree: 3 }, seed: 7 },
  },
  'volumes from a backup, which are deleted with the network': {
    nodes: 2,
    storage: {
      size: '10Gi',
      storageClassName: '',
      accessMode: 'ReadWriteMany',
      dataSource: { kind: 'PersistentVolumeClaim', name: 'backup' },
      retention: { whenDeleted: 'Delete', whenScaled: 'Retain' },
    },
    groups: [group('old', 1, 100, { storage: { size: '500M' } })],
    suspend: true,
  },
  'a ring': { nodes: 6, secret: 'bitcoin-default-secret', topology: { type: 'Ring' } },
  'mixed versions': {
    nodes: 12,
    secret: 'bitcoin-default-secret',
    image: 'registry.example/bitcoin:31.0',
    topology: { type: 'Random', random: { outbound: 4 }, seed: 1 },
    groups: [
      group('old', 4, 100, { image: 'registry.example/bitcoin:27.2' }),
      group('knots', 2, 200, { image: 'registry.example/knots:29.4', bitcoinConf: ['datacarriersize=42'] }),
    ],
  },
  'a signet that a team shares': {
    nodes: 4,
    secret: 'team-signet-rpc',
    chain: 'signet',
    signet: {
      challenge: '512102f7561d208dd9ae99bf497273e16f389bdbd6c4742ddb8e6b216e64fa2928ad8f51ae',
      blockTimeSeconds: 30,
    },
    topology: { type: 'FullMesh' },
    bitcoinConf: ['txindex=1', 'blockfilterindex=1'],
    zmq: { topics: ['rawblock', 'rawtx'] },
    services: { p2pPerNode: { type: 'LoadBalancer' } },
    networkPolicy: { rpcFrom: [{ namespaceSelector: { matchLabels: { team: 'wallet' } } }] },
    podDisruptionBudget: { maxUnavailable: 1 },
    podTemplate: {
      spec: {
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' }],
      },
    },
  },
  'every field of a rollout': {
    nodes: 5,
    rollout: {
      maxUnavailable: '25%',
      partition: 3,
      paused: false,
      keepConnected: true,
      progressDeadlineSeconds: 60,
      allowChainLoss: false,
    },
  },
  'a hundred nodes with eight outbound connections each': {
    nodes: 100,
    secret: 'bitcoin-default-secret',
    topology: { type: 'Random', random: { outbound: 8 } },
    resources: { requests: { cpu: '10m', memory: '80Mi' }, limits: { cpu: 1, memory: '192Mi' } },
  },
  'every field of a pod template': {
    nodes: 1,
    podTemplate: {
      metadata: { labels: { team: 'chain' }, annotations: { 'example.org/note': 'any text' } },
      spec: {
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'bitcoin', effect: 'NoExecute', tolerationSeconds: 60 }],
        affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }] } },
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
        priorityClassName: 'low',
        runtimeClassName: 'gvisor',
        schedulerName: 'default-scheduler',
        serviceAccountName: 'bitcoin',
        imagePullSecrets: [{ name: 'registry' }],
        securityContext: { fsGroup: 10_001 },
        terminationGracePeriodSeconds: 120,
        initContainers: [{ name: 'setup', image: 'busybox', command: ['true'] }],
        containers: [{ name: 'exporter', image: 'exporter', ports: [{ containerPort: 9332 }] }],
        volumes: [{ name: 'scratch', emptyDir: {} }],
      },
    },
  },
  'peers by every form of an address': {
    nodes: 3,
    chain: 'main',
    externalPeers: [
      ...['seed.example.org', 'seed.example.org:8333', '192.0.2.1', '192.0.2.1:18444', '[2001:db8::1]', '[2001:db8::1]:8333'],
      ...['pod-0.alice-svc.other.svc.cluster.local:18444', 'a.example:1', 'a.example:9999', 'a.example:10000', 'a.example:59999'],
      ...['a.example:60000', 'a.example:64999', 'a.example:65499', 'a.example:65529', 'a.example:65535'],
    ].map(address => ({ address, ordinals: [0, 2] })),
  },
  'configuration lines that look like those of the controller': {
    nodes: 1,
    bitcoinConf: [
      'rpcthreads=4',
      'disablewallet=1',
      'nowallet=1',
      'noblocksonly=1',
      'node=1',
      'rpcworkqueue=128',
      'txindex=0',
      'prune=550',
    ],
  },
  'a budget as a share': { nodes: 4, podDisruptionBudget: { maxUnavailable: '25%' } },
  'empty objects, which mean that a feature is on': { nodes: 1, networkPolicy: {}, podDisruptionBudget: {} },
  'groups that have all nodes': { nodes: 4, groups: [group('a', 2, 0), group('b', 2, 2)] },
  'groups with sts in their names that are no other StatefulSet': {
    nodes: 3,
    groups: [group('astsb', 1, 100), group('a-stsb', 1, 200), group('asts-b', 1, 300)],
  },
  'every field of a topology of groups': {
    nodes: 20,
    groups: [group('left', 10, 100)],
    topology: { type: 'Groups', seed: 3, groups: { within: 'Random', degree: 3, bridges: 2 } },
  },
  'a cut into named nodes and groups': {
    nodes: 6,
    groups: [group('old', 2, 100)],
    partition: {
      parts: [
        { name: 'a', ordinals: [0, 1] },
        { name: 'b-2', groups: ['old', 'default'] },
      ],
      healAfterSeconds: 30,
    },
  },
  'a partition without parts, which cuts nothing': { nodes: 2, partition: { parts: [] } },
  'blocks of three producers by weight': {
    nodes: 12,
    blockProduction: {
      ...{ initialBlocks: 101, intervalSeconds: 5, distribution: 'Exponential', seed: 7, selection: 'Random' },
      producers: [{ ordinal: 0, weight: 50 }, { ordinal: 4, weight: 30 }, { ordinal: 9 }],
    },
  },
  'the blocks of another network': { nodes: 2, bootstrap: { network: { name: 'golden' }, height: 300 } },
  'all blocks of another network': { nodes: 2, bootstrap: { network: { name: 'golden' } } },
  'wallets with as many blocks as there are': {
    nodes: 3,
    wallets: [{ name: 'miner', blocks: 60 }, { name: 'User_2', ordinals: [0, 2], blocks: 41 }, { name: 'empty' }],
    blockProduction: { initialBlocks: 101 },
  },
  'wallets without blocks': { nodes: 1, wallets: [{ name: 'miner' }] },
  'blocks for one address': {
    nodes: 3,
    blockProduction: { intervalSeconds: 10, payTo: 'addr(bcrt1qs758ursh4q9z627kt3pp5yysm78ddny6txaqgw)', paused: true },
  },
  'blocks for an address with the letters of a private key': {
    nodes: 3,
    blockProduction: { intervalSeconds: 10, payTo: 'addr(bcrt1qtprvursh4q9z627kt3pp5yysm78ddny6txaqgw)' },
  },
  'blocks for public keys': {
    nodes: 3,
    blockProduction: {
      intervalSeconds: 10,
      payTo:
        'multi(1,c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee502,[c34db33f/84h]tpubD6NzVbkrYhZ4)#c2345678',
    },
  },
  'blocks on a signet without signatures': {
    nodes: 3,
    chain: 'signet',
    signet: { challenge: '51' },
    blockProduction: { initialBlocks: 5 },
  },
  'hashes of the credentials': { nodes: 2, secret: 'rpc', rpcAuth: { secretName: 'rpc-hashes.v2' } },
  'hashes in the Secret of the credentials': { nodes: 2, secret: 'rpc', rpcAuth: { secretName: 'rpc' } },
  'the shortest time': { nodes: 2, ttlSecondsAfterCreation: 60 },
  'the longest time': { nodes: 2, ttlSecondsAfterCreation: 2_147_483_647 },
  'as many edges as there may be': {
    nodes: 1000,
    topology: {
      type: 'Edges',
      edges: Array.from({ length: 5000 }, (_, n) => ({ from: n % 1000, to: (n % 1000) + 1 + Math.floor(n / 1000) })),
    },
  },
  'as many groups and configuration lines as there may be': {
    nodes: 16,
    groups: Array.from({ length: 16 }, (_, n) =>
      group(`g-${String.fromCharCode(97 + n)}`, 1, n, {
        bitcoinConf: Array.from({ length: 48 }, () => `debug=${'x'.repeat(250)}`),
      }),
    ),
  },
};
