// The commands of a user with Docker, a registry and a cluster: both builders of a real engine, a push over HTTP, and npm start on an existing
// cluster.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { CommandFailedError, run } from '../../tools/command.ts';
import { debianMirror, debianSuite } from '../../tools/debian-programs.ts';
import { contextName } from '../../tools/kubernetes/kubeconfig.ts';
import { sharedCluster, type TestCluster } from '../support/cluster/cluster.ts';
import { DockerEngine, ImageRegistry } from '../support/processes/docker-engine.ts';
import { runTool } from '../support/processes/tool.ts';
import { eventually } from '../support/until.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const names = ['bitcoin-controller', 'bitcoin-controller-bitcoind'] as const;
/** The resources of which npm start creates objects, directly or through the controller. */
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

  const contents = (): Promise<string> => cluster.kubectl('get', kinds, '--all-namespaces', '--output=name');

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

  it('build with BuildKit, on a base image that is made locally where no registry has it, from a pinned snapshot', async () => {
    const snapshot = await debianMirror();
    const { stderr } = await runTool('images.ts', ['--force', '--package-snapshot', snapshot], engine.buildxEnvironment);
    expect(stderr).to.include('Pulling docker.io/library/debian:forky-slim – no registry provides it');
    for (const name of names)
      expect(stderr).to.include(`Building the image docker.io/library/${name}:${version} with Docker (BuildKit through buildx)`);
    const sources = ['--network=none', '--entrypoint=cat', `docker.io/library/${names[0]}:${version}`, '/etc/apt/sources.list'];
    expect(await engine.docker('run', '--rm', ...sources)).to.equal(
      `deb [check-valid-until=no] ${snapshot} ${debianSuite} main\n`,
    );
  });

  it('build with BuildKit on request where a new client lacks buildx', async () => {
    const environment = { ...engine.newClientEnvironment, DOCKER_BUILDKIT: '1' };
    const { stderr } = await runTool('images.ts', ['--force', '--package-snapshot', await debianMirror()], environment);
    expect(stderr).to.include('with Docker (BuildKit through buildx)');
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

  it('load the images into a cluster of kind without a registry, and print with --keep how to reach and remove what is left', async () => {
    const before = await contents();
    const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-kind-'));
    try {
      // kind itself is a stand-in that records how it is called: the cluster has the images already.
      await writeFile(path.join(folder, 'kind'), `#!/bin/sh\necho "$*" >>${folder}/calls\necho dev\n`);
      await chmod(path.join(folder, 'kind'), 0o755);
      const kubeconfig = (await readFile(cluster.kubeconfigPath, 'utf8')).replaceAll(contextName, 'kind-dev');
      await writeFile(path.join(folder, 'kubeconfig'), kubeconfig, { mode: 0o600 });
      const environment = { PATH: `${folder}:${process.env.PATH ?? ''}`, KUBECONFIG: path.join(folder, 'kubeconfig') };
      const { stdout } = await runTool('start.ts', ['--keep'], environment);
      expect((await readFile(path.join(folder, 'calls'), 'utf8')).trim().split('\n')).to.deep.equal([
        'get clusters',
        ...['controller', 'bitcoind'].map(kind => `load image-archive ${root}/build/images/${kind}.tar --name dev`),
      ]);
      const lines = stdout.split('\n').map(line => line.trim());
      const printed = lines.filter(line => /^alias |^(kubectl|helm) .*(delete -|delete (n|c)|uninstall)/.test(line));
      // As in a terminal that does not know the cluster.
      await run('bash', ['-eO', 'expand_aliases'], { input: printed.join('\n'), environment: { KUBECONFIG: '' } });
      expect(await contents(), printed.join('\n')).to.equal(before);
    } finally {
      await rm(folder, { recursive: true });
    }
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
