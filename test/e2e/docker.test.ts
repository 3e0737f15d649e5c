// The way of a user with Docker, a registry and a cluster: both builders of a real engine, a push over HTTP, and npm start on a cluster
// that is already there.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { CommandFailedError } from '../../tools/command.ts';
import { contextName } from '../../tools/kubernetes/kubeconfig.ts';
import { sharedCluster, type TestCluster } from '../support/cluster/cluster.ts';
import { DockerEngine, ImageRegistry } from '../support/processes/docker-engine.ts';
import { runTool } from '../support/processes/tool.ts';
import { eventually } from '../support/until.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const names = ['bitcoin-controller', 'bitcoin-controller-bitcoind'] as const;
/** What npm start creates objects of, directly or through the controller. */
const kinds =
  'namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,pods,services,statefulsets,deployments,secrets,configmaps';

describe('npm run images and npm start with Docker', function () {
  // A build fetches and installs packages.
  this.timeout(600_000);
  let cluster: TestCluster;
  let engine: DockerEngine;
  let registry: ImageRegistry;
  let version: string;

  /** The fields of an image's configuration that the Dockerfile sets. */
  const configOf = async (name: string) => {
    const reference = `docker.io/library/${name}:${version}`;
    const config = JSON.parse(await engine.docker('image', 'inspect', '--format', '{{json .Config}}', reference)) as {
      [field in 'User' | 'Entrypoint' | 'Labels' | 'WorkingDir' | 'Env']: unknown;
    };
    const { User, Entrypoint, Labels, WorkingDir, Env } = config;
    return { User, Entrypoint, Labels, WorkingDir, Env };
  };

  before(async () => {
    ({ version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string });
    cluster = await sharedCluster();
    engine = await DockerEngine.start();
    registry = await ImageRegistry.start();
  });

  after(async () => {
    await registry.stop();
    await engine.stop();
  });

  it('build with BuildKit, on a base image that is made locally where no registry has it', async () => {
    const { stderr } = await runTool('images.ts', ['--force'], engine.buildxEnvironment);
    expect(stderr).to.include('Pulling docker.io/library/debian:forky-slim – no registry provides it');
    for (const name of names)
      expect(stderr).to.include(`Building the image docker.io/library/${name}:${version} with Docker (BuildKit through buildx)`);
  });

  it('build the same with the classic builder, and push to a registry over HTTP', async () => {
    const built = await Promise.all(names.map(configOf));
    const target = `${registry.address}/x`;
    const environment = { ...engine.environment, DOCKER_BUILDKIT: '0' };
    const { stdout, stderr } = await runTool('images.ts', ['--force', '--push', target], environment);
    expect(stderr).to.include('with Docker (the classic builder)').and.not.to.include('Pulling');
    expect(stdout.trim().split('\n').slice(-2)).to.deep.equal(names.map(name => `${target}/${name}:${version}`));
    expect(await Promise.all(names.map(configOf))).to.deep.equal(built);
    for (const name of names) expect(await registry.tags(`x/${name}`)).to.deep.equal([version]);
    expect(await engine.docker('image', 'ls', '--quiet', `${registry.address}/x/*`)).to.equal('');
  });

  it('run the network from that registry on a cluster that is already there, and leave nothing in it', async () => {
    const contents = (): Promise<string> => cluster.kubectl('get', kinds, '--all-namespaces', '--output=name');
    const before = await contents();
    const { stdout } = await runTool('start.ts', ['--context', contextName, '--registry', `${registry.address}/x`, '--check'], {
      ...engine.environment,
      KUBECONFIG: cluster.kubeconfigPath,
    });
    expect(stdout).to.include('PeersConnected');
    expect(await contents()).to.equal(before);
    await eventually(async () => {
      const images = await cluster.kubectl('get', 'nodes', '--output=jsonpath={.items[*].status.images[*].names}');
      return names.every(name => images.includes(`${registry.address}/x/${name}@sha256:`));
    });
  });

  it('refuse a cluster that has no way to get the images, before anything is built', async () => {
    const refused = await runTool('start.ts', ['--context', contextName, '--check'], {
      KUBECONFIG: cluster.kubeconfigPath,
    }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(CommandFailedError);
    expect((refused as CommandFailedError).message)
      .to.include('--registry REGISTRY/PATH')
      .and.to.include('neither kind, k3d nor minikube')
      .and.not.to.include('Bundling');
  });
});
