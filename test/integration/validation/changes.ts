// Changes of networks that exist: what the API server must accept, and what it must refuse.

type Spec = Readonly<Record<string, unknown>>;

export interface Change {
  readonly from: Spec;
  /** A merge patch of the spec: null removes a field. */
  readonly patch?: Spec;
  /** A new number of nodes through the scale subresource, as `kubectl scale` and autoscalers change it. */
  readonly scale?: number;
  /** The fields that server-side apply gives to another manager, by force. */
  readonly apply?: Spec;
  /** What the API server must refuse it for; absent if it must accept it. */
  readonly refusal?: { readonly field: string; readonly message: RegExp };
}

const twoGroups = (old: object = {}, knots: object = {}) => [
  { name: 'old', nodes: 4, ordinals: { start: 100 }, ...old },
  { name: 'knots', nodes: 2, ordinals: { start: 200 }, ...knots },
];
const grouped: Spec = { nodes: 12, groups: twoGroups() };
const signet: Spec = { nodes: 1, chain: 'signet', signet: { challenge: '51', blockTimeSeconds: 30 } };

const chainChange = { field: 'spec.chain', message: /chain cannot change: .*Create a new network/ };
const challengeChange = { field: 'spec.signet', message: /signet\.challenge cannot change/ };
const blockTimeChange = { field: 'spec.signet', message: /signet\.blockTimeSeconds cannot change/ };
const tooFewNodes = { field: 'spec.nodes', message: /at least the sum of the nodes of all groups.*set spec\.suspend/ };
const ordinalsTaken = { field: 'spec.groups', message: /nodes in no group have the ordinals from 0/ };
const meshTooLarge = { field: 'spec.topology', message: /a full mesh has at most 100 nodes/ };

const stored = { nodes: 2, storage: { size: '1Gi', storageClassName: 'fast' } };
const storedGroup = { nodes: 6, groups: [{ name: 'old', nodes: 4, ordinals: { start: 100 }, storage: { size: '1Gi' } }] };
const removedStorage = /storage cannot be removed/;
const addedStorage = /storage can only be added while the network is suspended/;
const otherClaims = /storageClassName, accessMode and dataSource of storage cannot change\. For other volumes, add a group/;
const smallerVolumes = /storage\.size cannot shrink: a volume can only grow/;

const ofGroup = /storage of the nodes of a group cannot change in another field than size or be removed/;
const smallerOfGroup = /the volumes of a group cannot shrink: storage\.size can only grow/;
const withGroup = (storage: object) => ({ groups: [{ name: 'old', nodes: 4, ordinals: { start: 100 }, ...storage }] });

const prepared: Spec = { nodes: 2, bootstrap: { network: { name: 'golden' }, height: 300 } };
const bootstrapChange = { field: 'spec.bootstrap', message: /read when the network is created: .*only removed/ };

const refusedOfBootstrap: Readonly<Record<string, Change>> = {
  'another height of copied blocks': {
    from: prepared,
    patch: { bootstrap: { height: 301 } },
    refusal: bootstrapChange,
  },
  'blocks of another network than before': {
    from: prepared,
    patch: { bootstrap: { network: { name: 'silver' } } },
    refusal: bootstrapChange,
  },
  'blocks of another network for nodes that have some': {
    from: { nodes: 2 },
    patch: { bootstrap: { network: { name: 'golden' } } },
    refusal: bootstrapChange,
  },
};

const acceptedOfBootstrap: Readonly<Record<string, Change>> = {
  'no blocks of another network any more': { from: prepared, patch: { bootstrap: null } },
  'more nodes for a network with copied blocks': { from: prepared, scale: 5 },
};

const refusedOfStorage: Readonly<Record<string, Change>> = {
  'the removal of storage': {
    from: stored,
    patch: { storage: null },
    refusal: { field: 'spec.storage', message: removedStorage },
  },
  'the removal of storage while suspended': {
    from: { ...stored, suspend: true },
    patch: { storage: null },
    refusal: { field: 'spec.storage', message: removedStorage },
  },
  'storage for nodes that run': {
    from: { nodes: 2 },
    patch: { storage: { size: '1Gi' } },
    refusal: { field: 'spec.storage', message: addedStorage },
  },
  'storage and the end of the suspension at once': {
    from: { nodes: 2, suspend: true },
    patch: { suspend: null, storage: { size: '1Gi' } },
    refusal: { field: 'spec.storage', message: addedStorage },
  },
  'smaller volumes': {
    from: stored,
    patch: { storage: { size: '1023Mi' } },
    refusal: { field: 'spec.storage.size', message: smallerVolumes },
  },
  'smaller volumes in another unit while suspended': {
    from: { ...stored, suspend: true },
    patch: { storage: { size: '1G' } },
    refusal: { field: 'spec.storage.size', message: smallerVolumes },
  },
  'smaller volumes of a group': {
    from: storedGroup,
    patch: withGroup({ storage: { size: '1G' } }),
    refusal: { field: 'spec.groups', message: smallerOfGroup },
  },
  'another storage class by server-side apply': {
    from: stored,
    apply: { nodes: 2, storage: { size: '1Gi', storageClassName: 'slow' } },
    refusal: { field: 'spec.storage', message: otherClaims },
  },
  'the removal of the storage class': {
    from: stored,
    patch: { storage: { storageClassName: null } },
    refusal: { field: 'spec.storage', message: otherClaims },
  },
  'a source for volumes that exist': {
    from: stored,
    patch: { storage: { dataSource: { kind: 'VolumeSnapshot', name: 'backup' } } },
    refusal: { field: 'spec.storage', message: otherClaims },
  },
  'storage for the nodes of a group that run': {
    from: { nodes: 6, groups: [{ name: 'old', nodes: 4, ordinals: { start: 100 } }] },
    patch: { groups: storedGroup.groups },
    refusal: { field: 'spec.groups', message: ofGroup },
  },
  'the removal of the storage of a group': {
    from: storedGroup,
    patch: { groups: [{ name: 'old', nodes: 4, ordinals: { start: 100 } }] },
    refusal: { field: 'spec.groups', message: ofGroup },
  },
  'a group with a smaller volume than it had from the network': {
    from: { ...stored, nodes: 6, groups: [{ name: 'old', nodes: 4, ordinals: { start: 100 } }] },
    patch: { groups: [{ name: 'old', nodes: 4, ordinals: { start: 100 }, storage: { size: '1Mi', storageClassName: 'fast' } }] },
    refusal: { field: 'spec.groups', message: smallerOfGroup },
  },
};

const acceptedOfStorage: Readonly<Record<string, Change>> = {
  'storage while suspended': { from: { nodes: 2 }, patch: { suspend: true, storage: { size: '1Gi' } } },
  'a resumption with storage': { from: { ...stored, suspend: true }, patch: { suspend: false } },
  'another retention': { from: stored, patch: { storage: { retention: { whenScaled: 'Delete' } } } },
  'the default access mode by its name': { from: stored, patch: { storage: { accessMode: 'ReadWriteOnce' } } },
  'larger volumes': { from: stored, patch: { storage: { size: '2Gi' } } },
  'the same size in another unit': { from: stored, patch: { storage: { size: '1024Mi' } } },
  'larger volumes of the network, which a group has as well': {
    from: { ...stored, nodes: 6, ...withGroup({}) },
    patch: { storage: { size: '1500Mi' } },
  },
  'larger volumes of a group': { from: storedGroup, patch: withGroup({ storage: { size: '2Gi' } }) },
  'a scale with storage': { from: stored, scale: 0 },
  'a new group with storage of its own': {
    from: { nodes: 2 },
    patch: { nodes: 6, groups: storedGroup.groups },
  },
  'the storage of the network by its name in a group': {
    from: { ...stored, nodes: 6, groups: [{ name: 'old', nodes: 4, ordinals: { start: 100 } }] },
    patch: { groups: [{ name: 'old', nodes: 4, ordinals: { start: 100 }, storage: stored.storage }] },
  },
};

const refused: Readonly<Record<string, Change>> = {
  'a change of the default chain': { from: { nodes: 1 }, patch: { chain: 'main' }, refusal: chainChange },
  'a change of the chain': { from: { nodes: 1, chain: 'testnet4' }, patch: { chain: 'main' }, refusal: chainChange },
  'the removal of the chain': { from: { nodes: 1, chain: 'main' }, patch: { chain: null }, refusal: chainChange },
  'another chain by server-side apply': { from: { nodes: 1 }, apply: { nodes: 1, chain: 'signet' }, refusal: chainChange },
  'another challenge': { from: signet, patch: { signet: { challenge: '52' } }, refusal: challengeChange },
  'the removal of the challenge': {
    from: signet,
    patch: { signet: { challenge: null, blockTimeSeconds: null } },
    refusal: challengeChange,
  },
  'the removal of the signet': { from: signet, patch: { signet: null }, refusal: challengeChange },
  'a challenge for the public signet': {
    from: { nodes: 1, chain: 'signet' },
    apply: { nodes: 1, signet: { challenge: '51' } },
    refusal: challengeChange,
  },
  'another block time': { from: signet, patch: { signet: { blockTimeSeconds: 60 } }, refusal: blockTimeChange },
  'the removal of the block time': { from: signet, patch: { signet: { blockTimeSeconds: null } }, refusal: blockTimeChange },
  'other ordinals of a group': {
    from: grouped,
    patch: { groups: twoGroups({ ordinals: { start: 150 } }) },
    refusal: { field: 'spec.groups[0].ordinals.start', message: /ordinals\.start of a group cannot change/ },
  },
  'other ordinals of a group by server-side apply': {
    from: grouped,
    apply: { nodes: 12, groups: [{ name: 'knots', nodes: 2, ordinals: { start: 300 } }] },
    refusal: { field: 'spec.groups[1].ordinals.start', message: /ordinals\.start of a group cannot change/ },
  },
  'a group that grows into another': {
    from: { nodes: 200, groups: twoGroups({ nodes: 100 }) },
    patch: { groups: twoGroups({ nodes: 101 }) },
    refusal: { field: 'spec.groups', message: /two groups have an ordinal in common/ },
  },
  'a scale to fewer nodes than the groups have': { from: grouped, scale: 5, refusal: tooFewNodes },
  'a scale to 0 with groups': { from: grouped, scale: 0, refusal: tooFewNodes },
  'a scale into the ordinals of a group': { from: grouped, scale: 107, refusal: ordinalsTaken },
  'more nodes by server-side apply than there is room for': { from: grouped, apply: { nodes: 107 }, refusal: ordinalsTaken },
  'the removal of a group whose nodes would be in no group': {
    from: { nodes: 106, groups: twoGroups() },
    patch: { groups: twoGroups().slice(0, 1) },
    refusal: ordinalsTaken,
  },
  'a scale of a full mesh beyond its limit': {
    from: { nodes: 100, topology: { type: 'FullMesh' } },
    scale: 101,
    refusal: meshTooLarge,
  },
  'a full mesh for a network that is too large for it': {
    from: { nodes: 101, topology: { type: 'Ring' } },
    patch: { topology: { type: 'FullMesh' } },
    refusal: meshTooLarge,
  },
  'another type that leaves the fields of the old one': {
    from: { nodes: 12, topology: { type: 'Random', random: { degree: 3 } } },
    patch: { topology: { type: 'Star' } },
    refusal: { field: 'spec.topology.random', message: /only allowed with it/ },
  },
  'a line of the controller by server-side apply': {
    from: { nodes: 1 },
    apply: { nodes: 1, bitcoinConf: ['rpcpassword=x'] },
    refusal: { field: 'spec.bitcoinConf[0]', message: /the controller sets this key/ },
  },
};

const accepted: Readonly<Record<string, Change>> = {
  'the default chain by its name': { from: { nodes: 1 }, patch: { chain: 'regtest' } },
  'the removal of the default chain': { from: { nodes: 1, chain: 'regtest' }, patch: { chain: null } },
  'a signet without fields': { from: { nodes: 1, chain: 'signet' }, patch: { signet: {} } },
  'a scale down to the nodes of the groups': { from: grouped, scale: 6 },
  'a scale up to the first group': { from: grouped, scale: 106 },
  'a scale to 0 without groups': { from: { nodes: 3 }, scale: 0 },
  'a scale of a random graph to 0': { from: { nodes: 3, topology: { type: 'Random', random: { degree: 8 } } }, scale: 0 },
  'a scale of an old mesh to 1,000 nodes': { from: { nodes: 3 }, scale: 1000 },
  'a suspension of a network with groups': { from: grouped, patch: { suspend: true } },
  'a scale of a suspended network': { from: { nodes: 3, suspend: true }, scale: 5 },
  'a group without nodes': { from: grouped, patch: { groups: twoGroups({ nodes: 0 }) } },
  'the removal of a group and of its nodes': { from: grouped, patch: { nodes: 10, groups: twoGroups().slice(0, 1) } },
  'a group that comes back with other ordinals': {
    from: { nodes: 12, groups: twoGroups().slice(0, 1) },
    patch: { groups: twoGroups() },
  },
  'another image of a group by server-side apply': {
    from: grouped,
    apply: { nodes: 12, groups: [{ name: 'old', nodes: 4, ordinals: { start: 100 }, image: 'registry.example/bitcoin:27.2' }] },
  },
  'another topology': {
    from: { nodes: 12, topology: { type: 'Random', random: { degree: 3 }, seed: 7 } },
    patch: { topology: { type: 'Star', random: null, seed: null } },
  },
  'the removal of the topology': { from: { nodes: 12, topology: { type: 'Ring' } }, patch: { topology: null } },
  'the edges of another manager by server-side apply': {
    from: { nodes: 3, topology: { type: 'Edges', edges: [{ from: 0, to: 1 }] } },
    apply: { nodes: 3, topology: { type: 'Edges', edges: [{ from: 1, to: 2 }] } },
  },
  'other settings, Services and policies': {
    from: { nodes: 1, networkPolicy: {}, services: { rpc: { type: 'ClusterIP' } } },
    patch: { networkPolicy: null, services: null, podDisruptionBudget: {}, peerDiscovery: 'Enabled', bitcoinConf: ['debug=net'] },
  },
};

export const refusedChanges = { ...refused, ...refusedOfStorage, ...refusedOfBootstrap };
export const acceptedChanges = { ...accepted, ...acceptedOfStorage, ...acceptedOfBootstrap };
