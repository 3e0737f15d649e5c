// A CustomResourceDefinition that does not keep the status of networks: of another version, or written by hand. It is reported once, in
// the log, as an event and by /readyz. No reconcile repeats the report, and the network recovers when the definition is fixed.
import { expect } from 'chai';
import { apiVersion, type BitcoinNetwork, type BitcoinNetworkSpec, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinition } from '../../../src/bitcoin/api/custom-resource-definition.ts';
import { networks } from '../../../src/controller/resource-types.ts';
import { freePort } from '../../../tools/kubernetes/free-port.ts';
import { AuditLog } from '../../support/cluster/audit-log.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { SimulatedBitcoind } from '../../support/fakes/simulated-bitcoind.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const nodes = 2;

interface Version {
  subresources: { status?: object; scale?: object };
  schema: { openAPIV3Schema: { properties: { status: { properties: Record<string, unknown> } } } };
}

interface Case {
  readonly change: (version: Version) => void;
  readonly words: string;
  /** Of its networks, besides the number of nodes. */
  readonly spec?: Partial<BitcoinNetworkSpec>;
}

const definitions: Readonly<Record<string, Case>> = {
  'without the status subresource': {
    change: version => delete version.subresources.status,
    words: 'has no status subresource',
  },
  'that prunes the conditions': {
    change: version => delete version.schema.openAPIV3Schema.properties.status.properties['conditions'],
    words: 'does not keep status.conditions',
  },
  'that prunes the events of a status': {
    change: version => delete version.schema.openAPIV3Schema.properties.status.properties['lastEvents'],
    words: 'does not keep status.lastEvents',
  },
  'that has topologies and prunes their edges': {
    change: version => delete version.schema.openAPIV3Schema.properties.status.properties['edges'],
    words: 'does not keep status.edges',
    spec: { topology: { type: 'FullMesh' } },
  },
};

describe('a definition that does not keep the status', function () {
  this.timeout(240_000);
  let bitcoind: SimulatedBitcoind;
  const runs = new Map<string, Promise<void>>();

  /** All at once: most of a run is the minute after which the controller writes the status again. */
  before(async () => {
    bitcoind = await SimulatedBitcoind.start({ user: 'user', password: 'password' });
    for (const [index, [what, one]] of Object.entries(definitions).entries()) {
      const run = play(77 + index, one);
      run.catch(() => undefined);
      runs.set(what, run);
    }
  });
  after(async () => {
    await Promise.allSettled(runs.values());
    await bitcoind.stop();
  });

  async function play(network: number, { change, words, spec = {} }: Case): Promise<void> {
    const world = await World.start({ bitcoind, network });
    const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
    let controller: ControllerProcess | undefined;
    const define = (definition: object) => world.controlPlane.kubectlWithInput(JSON.stringify(definition), 'replace', '-f', '-');
    const readyz = async () => (await fetch(`http://${address}/readyz`, { headers: { connection: 'close' } })).text();
    try {
      const other = structuredClone(customResourceDefinition()) as unknown as { spec: { versions: [Version] } };
      change(other.spec.versions[0]);
      await define(other);
      controller = await ControllerProcess.start({
        kubeconfig: world.controlPlane.kubeconfigPath,
        args: ['--recheck-seconds', '1', '--health-address', address],
      });
      await controller.ready();
      await world.createNamespace('defined');
      for (const name of ['alice', 'bob']) {
        const metadata = { namespace: 'defined', name };
        await world.client.create(networks, { apiVersion, kind, metadata, spec: { nodes, ...spec } } as BitcoinNetwork);
      }
      for (const name of ['alice', 'bob'])
        await eventually(async () => {
          const events = await world.eventsOf('defined', name);
          return events.has('PeersConnected') && events.has('DefinitionUnusable');
        });
      expect(await readyz())
        .to.include('[-]definition failed')
        .and.to.include(words);
      const log = new AuditLog(world.controlPlane.auditLogPath, 'bitcoin-controller/');
      const asked = () =>
        [...bitcoind.nodes]
          .filter(([ip]) => ip.startsWith(`127.${network}.`))
          .reduce((sum, [, { calls }]) => sum + (calls.get('getaddednodeinfo') ?? 0), 0);
      /** While each node is asked ten times. */
      const written = async () => {
        await log.read();
        const enough = asked() + 10 * nodes * 2;
        await eventually(() => asked() >= enough);
        return (await log.read()).written;
      };
      // What nodes report a moment after the events of their network is written once. The definition has nothing written again and again.
      if (Object.keys(await written()).length > 0) expect(await written()).to.deep.equal({});
      for (const name of ['alice', 'bob'])
        for (const [reason, messages] of await world.eventsOf('defined', name))
          if (reason !== 'NodeReady') expect(messages, reason).to.have.length(1);
      const logged = controller.logs.filter(({ message }) => message === 'The definition does not keep the status of networks');
      expect(logged).to.have.length(1);
      expect(JSON.stringify(logged)).to.include(words);

      await define(customResourceDefinition());
      for (const name of ['alice', 'bob'])
        if (spec.topology === undefined) await world.untilRight('defined', name);
        else await eventually(async () => (await world.status('defined', name)).edges?.summary === '1/1');
      await eventually(async () => (await readyz()).includes('[+]definition ok'));
      expect(await controller.stop()).to.equal(0);
    } finally {
      await controller?.kill();
      await world.stop();
    }
  }

  for (const what of Object.keys(definitions))
    it(`is reported once, and its networks are served: one ${what}`, () => runs.get(what));
});
