// The test in the place of scheduler and kubelets: each pod gets an address of this machine's loopback and is ready, when the test wants it.
import type { V1Pod } from '@kubernetes/client-node';
import { KubeConfig } from '@kubernetes/client-node';
import { Informer } from '../../../src/runtime/informer.ts';
import { pods } from '../../../src/controller/resource-types.ts';
import { isConflict, isNotFound } from '../../../src/kube/api-error.ts';
import { KubeClient } from '../../../src/kube/client.ts';
import type { TestControlPlane } from '../cluster/api-server.ts';
import { RecordingLogger } from './recording-logger.ts';

export class PlayedKubelet {
  /** Which pods it runs, by namespace and name; asked again by `look`. */
  runs: (namespace: string, name: string) => boolean = () => true;
  /** Called with each pod. It is ready once this is done. */
  starts: (pod: V1Pod, ip: string) => Promise<void> | void = () => undefined;
  /** Called with the address of each pod that is gone. */
  onGone: (ip: string) => void = () => undefined;
  /** Addresses that the next pods get, before new ones. */
  readonly nextAddresses: string[] = [];
  readonly #network: number;
  readonly #client: KubeClient;
  readonly #informer: Informer<V1Pod>;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<void>;
  /** By uid. */
  readonly #addresses = new Map<string, string>();
  readonly #failures: unknown[] = [];

  /** @param network pods get the addresses 127.NETWORK.x.x */
  constructor(controlPlane: TestControlPlane, network = 77) {
    this.#network = network;
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(controlPlane.adminKubeconfig);
    this.#client = new KubeClient({ kubeConfig, logger: new RecordingLogger(), userAgent: 'played-kubelet' });
    this.#informer = new Informer({ client: this.#client, type: pods, logger: new RecordingLogger() });
    this.#informer.changes.subscribe(({ type, object }) => {
      if (type !== 'deleted') void this.#run(object);
      else if (object.status?.podIP !== undefined) this.onGone(object.status.podIP);
    });
    this.#stopped = this.#informer.run(this.#stop.signal);
  }

  /** Runs those that it did not run before and that `runs` now. */
  look(): void {
    for (const pod of this.#informer.list()) void this.#run(pod);
  }

  /** As the readiness probe says. */
  async setReady(namespace: string, name: string, isReady: boolean): Promise<void> {
    const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False' }];
    const options = { patchType: 'strategic', subresource: 'status' } as const;
    await this.#client.patch(pods, { namespace, name }, { status: { conditions } }, options);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    await this.#stopped;
    await this.#client.close();
    if (this.#failures.length > 0) throw new AggregateError(this.#failures, 'pods could not be run');
  }

  async #run(pod: V1Pod): Promise<void> {
    const { metadata = {}, status } = pod;
    const { namespace = '', name = '', uid = '' } = metadata;
    if (status?.podIP !== undefined || this.#addresses.has(uid) || !this.runs(namespace, name)) return;
    const ip = this.#newAddress(uid);
    await this.starts(pod, ip);
    const ready = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] };
    try {
      const options = { patchType: 'merge', subresource: 'status', timeoutMs: 120_000, maxTries: 100 } as const;
      await this.#client.patch(pods, { namespace, name }, { metadata: { uid }, status: ready }, options);
    } catch (error) {
      // Deleted meanwhile, which the informer may not have seen yet, or the test is over.
      if (isNotFound(error) || isConflict(error)) return;
      if (this.#informer.get(`${namespace}/${name}`)?.metadata?.uid === uid && !this.#stop.signal.aborted)
        this.#failures.push(error);
    }
  }

  #newAddress(uid: string): string {
    const number = this.#addresses.size + 1;
    const address = this.nextAddresses.shift() ?? `127.${this.#network}.${number >> 8}.${number & 0xff}`;
    this.#addresses.set(uid, address);
    return address;
  }
}
