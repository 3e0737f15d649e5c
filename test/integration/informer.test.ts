import type { V1ConfigMap } from '@kubernetes/client-node';
import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { Change } from '../../src/runtime/object-store.ts';
import type { InformerOptions } from '../../src/runtime/informer-options.ts';
import { Informer } from '../../src/runtime/informer.ts';
import { KubeClient, type ResourceType } from '../../src/kube/client.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { RecordingLogger } from '../support/fakes/recording-logger.ts';
import { TcpProxy } from '../support/fakes/tcp-proxy.ts';
import { eventually } from '../support/until.ts';

const configMaps: ResourceType<V1ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
let namespaces = 0;

describe('Informer with a real API server', function () {
  let controlPlane: TestControlPlane;
  let proxy: TcpProxy;
  /** A client without the proxy, for changes while the informer is disconnected. */
  let direct: KubeClient;
  let client: KubeClient;
  let namespace: string;
  let changes: string[];
  let stop: AbortController;
  let stopped: Promise<void>;
  let logger: RecordingLogger;

  before(async () => {
    controlPlane = await startControlPlane();
    proxy = await TcpProxy.start(controlPlane.serverUrl);
    direct = clientOf(controlPlane.serverUrl);
    client = clientOf(proxy.url);
  });
  after(async () => {
    await direct.close();
    await client.close();
    await proxy.stop();
    await controlPlane.stop();
  });
  beforeEach(async () => {
    namespaces += 1;
    namespace = `informer-${namespaces}`;
    changes = [];
    logger = new RecordingLogger();
    await direct.create(
      { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false },
      {
        metadata: { name: namespace },
      },
    );
  });
  afterEach(async () => {
    proxy.open();
    stop.abort(new Error('the test is over'));
    await stopped;
  });

  function clientOf(server: string): KubeClient {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(controlPlane.adminKubeconfig.replaceAll(controlPlane.serverUrl, server));
    return new KubeClient({ kubeConfig, logger: new RecordingLogger() });
  }

  async function started(options: Partial<InformerOptions<V1ConfigMap>> = {}): Promise<Informer<V1ConfigMap>> {
    const informer = new Informer({ client, type: configMaps, namespace, logger, ...options });
    informer.changes.subscribe(change => changes.push(described(change)));
    stop = new AbortController();
    stopped = informer.run(stop.signal);
    await informer.whenSynced();
    return informer;
  }

  const create = (name: string, value = '1') => direct.create(configMaps, configMap(name, value));
  const update = (name: string, value: string) => direct.replace(configMaps, configMap(name, value));
  const remove = (name: string) => direct.delete(configMaps, { namespace, name });
  const configMap = (name: string, value: string): V1ConfigMap => ({ metadata: { namespace, name }, data: { value } });

  /** The cache has the same objects and versions as the API server. */
  async function agrees(informer: Informer<V1ConfigMap>): Promise<boolean> {
    const there = (await direct.list(configMaps, { namespace })).items.map(versionOf).sort();
    return JSON.stringify(informer.list().map(versionOf).sort()) === JSON.stringify(there);
  }

  it('emits the existing objects, then each change once and in order', async () => {
    await create('a');
    await started();
    expect(changes).to.deep.equal(['added a=1']);
    await create('b');
    await update('b', '2');
    await remove('a');
    await eventually(() => changes.length === 4);
    expect(changes.slice(1)).to.deep.equal(['added b=1', 'updated b=2', 'deleted a=1']);
  });

  it('lists in pages without gaps or duplicates if the server does not support initial events', async () => {
    await Promise.all(Array.from({ length: 1_100 }, (_, index) => create(`many-${index}`)));
    const pages: (string | undefined)[] = [];
    const informer = await started({
      client: {
        list: async (type, options) => {
          pages.push(options?.continue);
          return client.list(type, options);
        },
        watch: (type, options) =>
          client.watch(type, options.sendInitialEvents === true ? { ...options, resourceVersionMatch: 'Exact' } : options),
      },
    });
    expect(informer.list()).to.have.length(1_100);
    expect(changes).to.have.length(1_100);
    expect(pages).to.have.length(3);
    await create('later');
    await eventually(() => changes.at(-1) === 'added later=1');
  });

  it('sees what was deleted, changed and recreated under the same name while it was disconnected', async () => {
    for (const name of ['deleted', 'changed', 'recreated', 'untouched']) await create(name);
    await started();
    changes.length = 0;
    proxy.close();
    await remove('deleted');
    await update('changed', '2');
    await remove('recreated');
    await create('recreated', '2');
    proxy.open();
    await eventually(() => changes.length === 4);
    expect(changes.sort()).to.deep.equal(['added recreated=2', 'deleted deleted=1', 'deleted recreated=1', 'updated changed=2']);
  });

  it('loses and duplicates nothing on connections that are cut again and again', async () => {
    const informer = await started();
    for (let index = 0; index < 60; index += 1) {
      await create(`cut-${index}`);
      if (index % 6 === 3) proxy.cut();
    }
    await eventually(() => agrees(informer));
    expect(changes).to.deep.equal(Array.from({ length: 60 }, (_, index) => `added cut-${index}=1`));
  });

  it('ends a half-open watch and continues where it was, without relisting', async () => {
    const informer = await started({ idleTimeoutMs: 500 });
    await create('before');
    await eventually(() => changes.length === 1);
    proxy.freeze();
    await create('meanwhile');
    await eventually(() => agrees(informer));
    expect(changes).to.deep.equal(['added before=1', 'added meanwhile=1']);
    const failures = logger.entries.filter(({ message }) => message === 'Watch failed, retrying');
    expect(failures).not.to.be.empty;
    expect(failures.filter(({ fields }) => fields['fromStart'] === true)).to.be.empty;
  });

  it('continues where it was when the API server is killed and comes back', async () => {
    await create('kept');
    await create('deleted');
    const informer = await started();
    changes.length = 0;
    await controlPlane.stopApiServer('abruptly');
    await eventually(() => logger.entries.some(({ message }) => message === 'Watch failed, retrying'));
    expect(informer.list(), 'the cache keeps its objects while the API server is down').to.have.length(2);
    await controlPlane.startApiServer();
    await remove('deleted');
    await create('new');
    await eventually(() => agrees(informer));
    expect(changes).to.deep.equal(['deleted deleted=1', 'added new=1']);
  });

  it('relists when its last version was compacted (410 Gone), and emits each difference once', async () => {
    await create('kept');
    await create('deleted');
    const informer = await started();
    changes.length = 0;
    proxy.close();
    await remove('deleted');
    await create('new');
    await controlPlane.compact();
    await controlPlane.restartApiServer('abruptly');
    proxy.open();
    await eventually(() => agrees(informer));
    expect(changes.sort()).to.deep.equal(['added new=1', 'deleted deleted=1']);
    expect(logger.entries.map(({ message }) => message)).to.include('Watch expired, relisting');
  });

  it('keeps no connection and no subscriber when it is stopped at any moment', async () => {
    await create('a');
    for (const when of ['at once', 'in the list', 'in the watch', 'in a pause'] as const) {
      const own = clientOf(proxy.url);
      const informer = new Informer({ client: own, type: configMaps, namespace, logger });
      stop = new AbortController();
      if (when === 'in a pause') proxy.close();
      stopped = informer.run(stop.signal);
      if (when === 'in the list') await eventually(() => proxy.connections > 0);
      if (when === 'in the watch') await informer.whenSynced();
      if (when === 'in a pause') await eventually(() => logger.entries.some(({ level }) => level === 'warn'));
      stop.abort(new Error('stop'));
      await stopped;
      await own.close();
      proxy.open();
    }
    await client.close();
    await eventually(() => proxy.connections === 0);
    client = clientOf(proxy.url);
  });
});

function described({ type, object }: Change<V1ConfigMap>): string {
  return `${type} ${object.metadata?.name ?? ''}=${object.data?.['value'] ?? ''}`;
}

function versionOf({ metadata }: V1ConfigMap): string {
  return `${metadata?.name ?? ''} ${metadata?.uid ?? ''} ${metadata?.resourceVersion ?? ''}`;
}
