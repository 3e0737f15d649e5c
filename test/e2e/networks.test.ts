// Networks as people declare them, on a real cluster with real bitcoinds: topologies, groups with images of their own, a signet, and the
// objects around the nodes.
import path from 'node:path';
import { expect } from 'chai';
import { planTopology } from '../../src/bitcoin/topology/plan-topology.ts';
import { CommandFailedError } from '../../tools/command.ts';
import { controllerNamespace, release } from '../../tools/installation.ts';
import { sharedCluster, type TestCluster } from '../support/cluster/cluster.ts';
import { NetworkNamespace } from '../support/cluster/network-namespace.ts';
import { loadOtherBitcoind, otherBitcoindImage } from '../support/cluster/other-bitcoind-image.ts';
import { arrows, membersFrom, neighbours, reached } from '../support/graph.ts';
import { eventually } from '../support/until.ts';
import { subscribe } from '../support/zmq-subscriber.ts';

const chart = path.join(import.meta.dirname, '..', '..', 'charts', 'bitcoin-controller');
let cluster: TestCluster;
let namespace: NetworkNamespace;

/** "0>1" for each pair: the lower ordinal dials. */
const lowerDials = (pairs: readonly (readonly [number, number])[]): string[] =>
  pairs.map(([one, other]) => `${Math.min(one, other)}>${Math.max(one, other)}`);

/** Resolves when both ends of each edge list its one connection, whoever dialled, and no node lists another one. */
async function untilEdges(name: string, expected: readonly string[]): Promise<void> {
  const wanted = [...expected, ...expected].sort().join(' ');
  await eventually(async () => {
    const listed = (await namespace.listedConnections(name)).map(withLowerFirst);
    return listed.sort().join(' ') === wanted;
  });
}

const withLowerFirst = (dial: string): string => {
  const [from = '', to = ''] = dial.split('>');
  return Number(from) < Number(to) ? dial : `${to}>${from}`;
};

async function expectStatus(name: string, topology: string, edges: number): Promise<void> {
  await namespace.untilConnected(name);
  const { status } = await namespace.get(name);
  expect(status?.edges).to.deep.equal({
    topology,
    ...{ wanted: edges, connected: edges, heldByController: 0 },
    ...{ missing: [], summary: `${edges}/${edges}` },
  });
}

describe('networks on a real cluster:', function () {
  this.timeout(0);

  before(async () => {
    cluster = await sharedCluster();
    await loadOtherBitcoind();
    namespace = await NetworkNamespace.create(cluster, 'networks');
    const where = ['--namespace', controllerNamespace, '--create-namespace'];
    await cluster.helm('upgrade', '--install', release, chart, ...where, '--wait', '--timeout', '180s');
  });

  after(async () => {
    await namespace.delete();
    await cluster.helm('uninstall', release, '--namespace', controllerNamespace, '--wait', '--ignore-not-found');
    await cluster.kubectl('delete', 'namespace', controllerNamespace, '--ignore-not-found');
  });

  describe('a topology', () => {
    const name = 'shaped';
    const count = 12;
    const ordinals = Array.from({ length: count }, (_, ordinal) => ordinal);
    const ring = lowerDials(ordinals.map(ordinal => [ordinal, (ordinal + 1) % count]));

    after(() => namespace.remove(name));

    it('of degree 3 has exactly the 18 planned connections, each listed by both ends', async () => {
      const topology = { type: 'Random', random: { degree: 3 }, seed: 7 } as const;
      await namespace.apply({ name, spec: { nodes: count, topology } });
      await expectStatus(name, 'Random (degree 3, seed 7)', 18);
      const { edges } = planTopology(topology, membersFrom(0, count));
      await untilEdges(name, arrows(edges).map(withLowerFirst));
      for (const peers of neighbours(edges, ordinals).values()) expect(peers).to.have.length(3);
      expect(reached(edges, ordinals)).to.equal(count);
    });

    it('is edited to a star, and then to a ring', async () => {
      await namespace.patch(name, { topology: { type: 'Star', random: null, seed: null } });
      await expectStatus(name, 'Star (hub 0)', count - 1);
      await untilEdges(name, lowerDials(ordinals.slice(1).map(ordinal => [0, ordinal])));
      await namespace.patch(name, { topology: { type: 'Ring' } });
      await expectStatus(name, 'Ring', count);
      await untilEdges(name, ring);
      const changes = (await namespace.events(name)).get('TopologyChanged') ?? [];
      expect(changes.map(message => message.replace(/:.*/, '')).sort()).to.deep.equal([
        'Topology changed from Random (degree 3, seed 7) to Star (hub 0)',
        'Topology changed from Star (hub 0) to Ring',
      ]);
    });

    it('gets the edges of a pod back that was deleted, and reports both', async () => {
      const { metadata } = await namespace.pod(`${name}-sts-5`);
      await namespace.kubectl('delete', 'pod', `${name}-sts-5`, '--wait=false');
      await eventually(async () => (await namespace.events(name)).has('EdgesLost'));
      await eventually(async () => (await namespace.events(name)).has('EdgesRestored'));
      await expectStatus(name, 'Ring', count);
      await untilEdges(name, ring);
      expect((await namespace.podUids(name)).get(`${name}-sts-5`)).not.to.equal(metadata?.uid);
    });
  });

  describe('groups', () => {
    const name = 'grouped';
    const group = (groupName: string, start: number, nodes: number, settings: object) => ({
      ...{ name: groupName, nodes, ordinals: { start } },
      ...settings,
    });
    const others = group('others', 100, 2, { image: otherBitcoindImage, bitcoinConf: ['maxuploadtarget=7'] });
    const ours = (nodes: number) => group('ours', 200, nodes, { bitcoinConf: ['maxuploadtarget=9'] });
    const topology = { type: 'Groups', groups: { within: 'FullMesh', bridges: 1 } };

    after(() => namespace.remove(name));

    it('run another maker’s build of bitcoind beside ours, each with a configuration of its own', async () => {
      const groups = [others, ours(2)];
      await namespace.apply({ name, spec: { nodes: 6, bitcoinConf: ['maxuploadtarget=5'], groups, topology } });
      await namespace.untilConnected(name);
      for (const [ordinal, pod, program, megabytes] of [
        [0, 'sts-0', '/usr/bin/bitcoind', 5],
        [100, 'sts-others-100', '/opt/bitcoin-sid/bin/bitcoind', 7],
        [201, 'sts-ours-201', '/usr/bin/bitcoind', 9],
      ] as const) {
        expect(await namespace.kubectl('exec', `${name}-${pod}`, '--', 'readlink', '/proc/1/exe')).to.equal(`${program}\n`);
        const { uploadtarget } = await namespace.rpc<{ uploadtarget: { target: number } }>(name, ordinal, 'getnettotals');
        expect(uploadtarget.target).to.equal(megabytes << 20);
      }
      const users = await namespace.rpc<{ subver: string }[]>(name, 100, 'getpeerinfo');
      expect(users.map(({ subver }) => /\((.*)\)/.exec(subver)?.[1])).to.include(`${name}-sts-others-101`);
    });

    it('are scaled and removed without a restart of the others', async () => {
      const before = await namespace.podUids(name);
      await namespace.patch(name, { nodes: 7, groups: [others, ours(3)] });
      await namespace.untilConnected(name);
      const scaled = await namespace.podUids(name);
      expect([...scaled.keys()].filter(pod => !before.has(pod))).to.deep.equal([`${name}-sts-ours-202`]);
      for (const [pod, uid] of before) expect(scaled.get(pod), pod).to.equal(uid);
      await namespace.patch(name, { nodes: 5, groups: [ours(3)] });
      await namespace.untilConnected(name);
      await eventually(async () => (await namespace.podUids(name)).size === 5);
      for (const [pod, uid] of await namespace.podUids(name)) expect(scaled.get(pod), pod).to.equal(uid);
      expect((await namespace.events(name)).get('StatefulSetDeleted')).to.deep.equal([
        `Deleted StatefulSet ${name}-sts-others, with all nodes`,
      ]);
    });
  });

  describe('a signet of one’s own', () => {
    const name = 'signet';
    after(() => namespace.remove(name));

    it('with challenge 51 gets blocks from generatetodescriptor, which its other node takes over', async () => {
      await namespace.apply({
        name,
        spec: { nodes: 2, chain: 'signet', signet: { challenge: '51' }, topology: { type: 'Line' } },
      });
      await namespace.untilConnected(name);
      const maxTries = 1_000_000_000;
      const hashes = await namespace.rpc<string[]>(name, 0, 'generatetodescriptor', 2, 'raw(51)#8lvh9jxk', maxTries);
      expect(hashes).to.have.length(2);
      await eventually(async () => (await namespace.rpc(name, 1, 'getbestblockhash')) === hashes[1]);
      const { chain } = await namespace.rpc<{ chain: string }>(name, 1, 'getblockchaininfo');
      expect(chain).to.equal('signet');
    });
  });

  describe('what a network has besides its nodes,', () => {
    const name = 'guarded';
    const taint = 'test.example.com/dedicated';
    after(async () => {
      await cluster.kubectl('taint', 'nodes', '--all', `${taint}-`).catch(() => undefined);
      await namespace.remove(name);
    });

    const container = (containerName: string, script: string) => ({
      ...{ name: containerName, image: cluster.bitcoindImage, command: ['/bin/sh', '-c', script] },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
      volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
    });

    it('runs a container and an init container of its user beside bitcoind, on a machine whose taint only it tolerates', async () => {
      await cluster.kubectl('taint', 'nodes', '--all', `${taint}=bitcoin:NoSchedule`);
      const pods = {
        tolerations: [{ key: taint, operator: 'Equal', value: 'bitcoin', effect: 'NoSchedule' }],
        initContainers: [container('prepare', 'echo prepared >/shared/made')],
        containers: [container('beside', 'trap "exit 0" TERM; sleep infinity & wait')],
        volumes: [{ name: 'shared', emptyDir: {} }],
      };
      const objects = { zmq: { topics: ['hashblock'] }, podDisruptionBudget: {}, networkPolicy: {} };
      const services = { p2pPerNode: { type: 'NodePort' }, rpc: { type: 'ClusterIP' } };
      const topology = { type: 'Line' };
      await namespace.apply({ name, spec: { nodes: 3, topology, services, podTemplate: { spec: pods }, ...objects } });
      await namespace.untilConnected(name);
      await cluster.kubectl('taint', 'nodes', '--all', `${taint}-`);
      const made = await namespace.kubectl('exec', `${name}-sts-0`, '-c', 'beside', '--', 'cat', '/shared/made');
      expect(made).to.equal('prepared\n');
    });

    it('publishes the hash of each new block by ZeroMQ', async () => {
      const [{ ip } = { ip: '' }] = await namespace.nodes(name);
      const subscription = await subscribe(ip, 28_332, 'hashblock');
      const published = subscription.next();
      // A publisher does not confirm a subscription: what it publishes before it has read it is lost.
      const hashes: string[] = [];
      let message: Buffer[] | undefined;
      void published.then(parts => (message = parts));
      await eventually(async () => {
        hashes.push(...(await namespace.rpc<string[]>(name, 0, 'generatetodescriptor', 1, 'raw(51)#8lvh9jxk')));
        return message !== undefined;
      });
      const [topic, hash] = await published;
      subscription.close();
      expect(topic?.toString()).to.equal('hashblock');
      expect(hashes).to.include(hash?.toString('hex'));
    });

    it('is a peer of another network through the port of a node’s Service', async () => {
      const jsonpath = (path: string) => `jsonpath=${path}`;
      const port = await namespace.kubectl('get', 'service', `${name}-sts-2-p2p`, '-o', jsonpath('{.spec.ports[0].nodePort}'));
      const { status } = await namespace.pod(`${name}-sts-2`);
      const address = `${status?.hostIP}:${port}`;
      await namespace.apply({ name: 'outsider', spec: { nodes: 1, externalPeers: [{ address }] } });
      await eventually(async () => {
        if ((await namespace.nodes('outsider'))[0]?.ready !== true) return false;
        const peers = await namespace.rpc<{ addr: string; subver: string }[]>('outsider', 0, 'getpeerinfo');
        return peers.some(({ addr, subver }) => addr === address && subver.includes(`(${name}-sts-2)`));
      });
      await namespace.remove('outsider');
    });

    it('lets one node be evicted, and refuses a second eviction with 429', async () => {
      await eventually(async () => {
        const allowed = await namespace.kubectl('get', 'pdb', `${name}-pdb`, '-o', 'jsonpath={.status.disruptionsAllowed}');
        return allowed === '1';
      });
      const evict = (pod: string): Promise<string> => {
        const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace: namespace.name } };
        const url = `/api/v1/namespaces/${namespace.name}/pods/${pod}/eviction`;
        return cluster.kubectlWithInput(JSON.stringify(eviction), 'create', '--raw', url, '-f', '-');
      };
      await evict(`${name}-sts-0`);
      const refusal = await evict(`${name}-sts-1`).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(refusal).to.be.instanceOf(CommandFailedError);
      expect(String(refusal)).to.match(/TooManyRequests|violate the pod's disruption budget/);
      await eventually(async () => (await namespace.condition(name, 'Ready')).startsWith('False '));
      await namespace.untilConnected(name);
    });

    it('stops at its first node when bitcoind refuses an option, names the option, and continues when it is removed', async () => {
      const before = await namespace.podUids(name);
      await namespace.patch(name, { bitcoinConf: ['nosuchoption=1'] });
      await eventually(async () => (await namespace.condition(name, 'Ready')).includes('-nosuchoption'));
      expect(await namespace.condition(name, 'Ready')).to.match(/^False NodeExited 2 of 3 nodes are ready; .*Invalid parameter/);
      const during = await namespace.podUids(name);
      for (const ordinal of [0, 1]) expect(during.get(`${name}-sts-${ordinal}`)).to.equal(before.get(`${name}-sts-${ordinal}`));
      await namespace.patch(name, { bitcoinConf: null });
      await namespace.untilConnected(name);
      const after = await namespace.podUids(name);
      for (const ordinal of [0, 1]) expect(after.get(`${name}-sts-${ordinal}`)).to.equal(before.get(`${name}-sts-${ordinal}`));
    });
  });
});
