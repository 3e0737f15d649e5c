// Experiments on a real API server with real bitcoinds: the controller is a process of its own, which is killed in each step.
import { expect } from 'chai';
import type { BitcoinExperiment } from '../../../src/bitcoin/api/bitcoin-experiment.ts';
import { apiVersion, type BitcoinNetwork, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinitions } from '../../../src/bitcoin/api/custom-resource-definition.ts';
import { experiments, networks, pods } from '../../../src/controller/resource-types.ts';
import { isNotFound } from '../../../src/kube/api-error.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { startControlPlane, type TestControlPlane } from '../../support/cluster/api-server.ts';
import { untilEstablished } from '../../support/cluster/established.ts';
import { clientOf } from '../../support/cluster/kube-access.ts';
import { PlayedKubelet } from '../../support/fakes/played-kubelet.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { RealBitcoind } from '../../support/processes/real-bitcoind.ts';
import { eventually } from '../../support/until.ts';

const namespace = 'default';
const parts = [{ name: 'minority', ordinals: [0, 1] }];
const steps: BitcoinExperiment['spec']['steps'] = [
  { name: 'cut', partition: { parts } },
  { name: 'short', mine: { ordinal: 0, blocks: 3 } },
  { name: 'long', mine: { ordinal: 2, blocks: 4 } },
  { name: 'join', heal: { timeoutSeconds: 60 } },
  { name: 'agree', wait: { condition: 'ChainsAgree' } },
];

describe('experiments on a real API server with real bitcoinds', function () {
  this.timeout(300_000);
  let api: TestControlPlane;
  let client: KubeClient;
  let kubelet: PlayedKubelet;
  let controller: ControllerProcess;
  const bitcoinds = new Map<string, Promise<RealBitcoind>>();
  const name = { namespace, name: 'alice' };
  const start = async () => {
    controller = await ControllerProcess.start({ kubeconfig: api.kubeconfigPath });
  };

  before(async () => {
    api = await startControlPlane({ controllerManager: true });
    await api.kubectlWithInput(JSON.stringify(customResourceDefinitions()), 'apply', '--server-side', '-f', '-');
    const group = 'bitcoincontroller.christianb93.github.com';
    await untilEstablished(api, `crd/bitcoinnetworks.${group}`, `crd/bitcoinexperiments.${group}`);
    client = clientOf(api.kubeconfigPath);
    kubelet = new PlayedKubelet(api, 91);
    const credentials = { user: 'user', password: 'password' };
    kubelet.starts = async ({ metadata }, ip) => {
      const starting = RealBitcoind.start({ ...credentials, ip, args: [`-uacomment=${metadata?.name}`] });
      bitcoinds.set(ip, starting);
      await starting;
    };
    kubelet.onGone = ip => void bitcoinds.get(ip)?.then(bitcoind => bitcoind.stop());
    await start();
    const spec = { nodes: 4, topology: { type: 'Ring' }, blockProduction: { initialBlocks: 5 } };
    await client.create(networks, { apiVersion, kind, metadata: name, spec } as unknown as BitcoinNetwork);
  });
  after(async () => {
    await controller.kill();
    await kubelet.stop();
    await Promise.allSettled([...bitcoinds.values()].map(async bitcoind => (await bitcoind).stop()));
    await client.close();
    await api.stop();
  });

  const create = async (experiment: string, fields: object = {}): Promise<void> => {
    const object = { metadata: { namespace, name: experiment }, spec: { network: { name: 'alice' }, steps, ...fields } };
    await client.create(experiments, object as unknown as BitcoinExperiment);
  };
  const read = (experiment: string): Promise<BitcoinExperiment> => client.get(experiments, { namespace, name: experiment });
  const isTrue = ({ status }: BitcoinExperiment, type: string): boolean =>
    status?.conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false;
  const reaches = (experiment: string, step: string): Promise<void> =>
    eventually(async () => {
      const { status } = await read(experiment);
      return status?.steps?.some(begun => begun.name === step) ?? false;
    });
  /** The numbers of peers of the nodes. A ring has two of each. */
  async function peerCounts(): Promise<number[]> {
    const { status } = await client.get(networks, name);
    const lists = await Promise.all(
      (status?.nodes ?? []).map(async ({ ip }) => (await bitcoinds.get(ip))?.call({ method: 'getpeerinfo' })),
    );
    return lists.map(answer => (answer?.[0] as readonly unknown[]).length);
  }
  const height = async (): Promise<number> => (await client.get(networks, name)).status?.chain?.height ?? 0;

  it('complete with the right depth though the controller is killed in each step', async () => {
    await create('killed');
    for (const { name: step } of steps) {
      await reaches('killed', step);
      await controller.kill();
      await start();
    }
    const isOver = (experiment: BitcoinExperiment) => isTrue(experiment, 'Complete') || isTrue(experiment, 'Failed');
    await eventually(async () => isOver(await read('killed')));
    await eventually(async () => (await read('killed')).metadata.finalizers === undefined);
    const { status } = await read('killed');
    expect(status?.reorgDepth, JSON.stringify(status, undefined, 1)).to.equal(3);
    expect(status?.steps?.[2]?.heights).to.deep.equal([9, 8]);
    expect(await peerCounts()).to.deep.equal([2, 2, 2, 2]);
    await eventually(async () => (await height()) === 9);
    const events = await api.kubectl(
      'get',
      'events',
      '--field-selector=involvedObject.name=killed',
      '-o',
      'jsonpath={.items[*].reason}',
    );
    expect(events.split(' ').sort()).to.deep.equal(['ExperimentCompleted', 'ExperimentStarted']);
  });

  it('heal the network before they are gone, if they are deleted in any step, also while no controller runs', async () => {
    for (const { name: step } of steps.slice(0, 4)) {
      const experiment = `deleted-in-${step}`;
      await create(experiment, { steps: [...steps, { name: 'hold', wait: { seconds: 600 } }] });
      await reaches(experiment, step);
      const isKilled = step === 'long';
      if (isKilled) await controller.kill();
      await client.delete(experiments, { namespace, name: experiment });
      if (isKilled) await start();
      await eventually(async () =>
        isNotFound(
          await read(experiment).then(
            () => undefined,
            (error: unknown) => error,
          ),
        ),
      );
      expect(await peerCounts(), step).to.deep.equal([2, 2, 2, 2]);
    }
  });

  it('restart a node, once', async () => {
    const uidOf = async (ordinal: number) => (await client.get(pods, { namespace, name: `alice-sts-${ordinal}` })).metadata?.uid;
    const before = await Promise.all([0, 1, 2, 3].map(uidOf));
    await create('restarts', { steps: [{ name: 'again', restart: { ordinals: [1] } }], ttlSecondsAfterFinished: 2 });
    await eventually(async () => isTrue(await read('restarts'), 'Complete'));
    const after = await Promise.all([0, 1, 2, 3].map(uidOf));
    expect(after.map((uid, ordinal) => uid === before[ordinal])).to.deep.equal([true, false, true, true]);
    await eventually(async () =>
      isNotFound(
        await read('restarts').then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
  });
});
