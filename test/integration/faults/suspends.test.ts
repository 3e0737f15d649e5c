// A network is suspended and resumed many times while it is edited: no claim is lost that an edit does not delete, and the status is right. A
// real API server with its controllers; the edits are drawn from a seed, which a failure names.
import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { resumedSetsOf } from '../../../src/bitcoin/resources/node-sets.ts';
import { networks, persistentVolumeClaims } from '../../../src/controller/resource-types.ts';
import { network } from '../../support/builders.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const namespace = 'suspends';
const name = 'alice';
const cycles = 20;
const seed = 20_261_126;

/** A linear congruential generator: numbers from 0 to below 1. */
function randomOf(start: number): () => number {
  let state = start;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

const storage = { size: '1Gi' } as const;
const group = (nodes: number) => ({ name: 'old', nodes, ordinals: { start: 100 } });

describe('a network with volumes that is suspended and resumed again and again', function () {
  this.timeout(300_000);
  let world: World;
  let controller: ControllerProcess;
  const random = randomOf(seed);
  const upTo = (count: number): number => Math.floor(random() * count);

  before(async () => {
    world = await World.start();
    world.kubelet.onGone = ip => world.bitcoind.restart(ip);
    await world.createNamespace(namespace);
    const args = ['--namespace', namespace, '--recheck-seconds', '5'];
    controller = await ControllerProcess.start({ kubeconfig: world.controlPlane.kubeconfigPath, args });
    await controller.ready();
  });
  after(async () => {
    await controller.kill();
    await world.stop();
  });

  const edit = (spec: object) => world.client.patch(networks, { namespace, name }, { spec }, { patchType: 'merge' });
  const spec = async (): Promise<BitcoinNetworkSpec> => (await world.client.get(networks, { namespace, name })).spec;

  /** The uid of each claim. One that is being deleted counts as gone. */
  async function claims(): Promise<Map<string, string>> {
    const { items } = await world.client.list(persistentVolumeClaims, { namespace });
    const kept = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    return new Map(kept.map(({ metadata }) => [metadata?.name ?? '', metadata?.uid ?? '']));
  }

  /** A valid spec after a random edit: it scales, adds or removes a group, or changes an option or the retention. */
  async function randomEdit(): Promise<void> {
    const { groups } = await spec();
    const dice = upTo(5);
    const inGroup = groups?.[0]?.nodes ?? 0;
    if (dice === 0) await edit({ nodes: inGroup + upTo(3) + (inGroup === 0 ? 1 : 0) });
    if (dice === 1) await edit({ nodes: 3 + upTo(2), groups: [group(1 + upTo(2))] });
    if (dice === 2) await edit({ nodes: 1 + upTo(3), groups: null });
    if (dice === 3) await edit({ bitcoinConf: [`maxmempool=${5 + upTo(20)}`] });
    if (dice === 4) await edit({ storage: { retention: { whenScaled: random() < 0.5 ? 'Delete' : 'Retain' } } });
  }

  const claimsOf = (of: BitcoinNetworkSpec): string[] =>
    resumedSetsOf(network(of)).flatMap(({ name: set, start, nodes }) =>
      Array.from({ length: nodes }, (_, index) => `data-${set}-${start + index}`),
    );

  async function untilResumed(): Promise<void> {
    await world.untilRight(namespace, name);
    await eventually(async () => {
      const found = await claims();
      return claimsOf(await spec()).every(claim => found.has(claim));
    });
  }

  it('keeps every claim of its nodes, and has the right status each time', async () => {
    await world.declare(namespace, name, { nodes: 2, storage });
    await world.untilRight(namespace, name);
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      const what = `cycle ${cycle} of seed ${seed}`;
      const [before, specBefore] = [await claims(), await spec()];
      await edit({ suspend: true });
      const isWaiting = random() < 0.5;
      if (isWaiting) {
        await world.untilCondition(namespace, name, 'Suspended', 'True Suspended');
        const { nodes, readyNodes } = await world.status(namespace, name);
        expect([nodes, readyNodes], what).to.deep.equal([[], 0]);
        expect(Object.fromEntries(await claims()), `${what}, suspended`).to.deep.equal(Object.fromEntries(before));
      }
      for (let edits = upTo(3); edits > 0; edits -= 1) await randomEdit();
      if (random() < 0.5) await world.untilCondition(namespace, name, 'Suspended', 'True Suspended');
      const resumed = await spec();
      await edit({ suspend: random() < 0.5 ? null : false });
      await untilResumed();
      if (isWaiting) await world.untilCondition(namespace, name, 'Suspended', 'False Running');
      const now = await claims();
      const kept = claimsOf(resumed).filter(claim => claimsOf(specBefore).includes(claim));
      for (const claim of kept) expect(now.get(claim), `${claim}, ${what}`).to.equal(before.get(claim));
      expect(await world.condition(namespace, name, 'Ready'), what).to.match(/^True /);
    }
    const events = await world.eventsOf(namespace, name);
    expect(events.has('ReconcileFailed'), JSON.stringify(events.get('ReconcileFailed'))).to.equal(false);
  });
});
