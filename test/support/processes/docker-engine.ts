// A Docker engine and an image registry of Debian's own packages, which are unpacked into the cache: nothing is installed, no service is
// started, and everything that they write is in a temporary folder. The engine has no bridge, no firewall rules and no way to a registry
// outside of this machine.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cached, digestOf } from '../../../tools/cache.ts';
import { cacheFolder } from '../../../tools/cache-folder.ts';
import { run } from '../../../tools/command.ts';
import { freePort } from '../../../tools/kubernetes/free-port.ts';
import { RunningProgram } from '../../../tools/kubernetes/process.ts';
import { waitUntil } from '../../../tools/kubernetes/wait-until.ts';
import { providePrograms } from '../../../tools/programs.ts';

/** Debian's docker.io of version 20.10 and what it needs beside programs that every Debian has. */
const packages = ['docker.io', 'containerd', 'tini', 'libdevmapper1.02.1', 'libsystemd0', 'docker-registry'];
const startTimeoutMs = 60_000;
const stopGraceMs = 15_000;
/** Nothing listens there. */
const closedProxy = 'http://127.0.0.1:1';

/** The folder of the unpacked packages, from the release of Debian that this machine runs. */
async function dockerPackages(): Promise<string> {
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? '';
  const folder = path.join(cacheFolder, 'debian', `docker.io-${digestOf(codename, process.arch, ...packages)}`);
  return await cached(folder, 'fetching docker.io', async target => {
    const archives = `${target}.debs`;
    await mkdir(archives);
    await run('apt-get', ['update', '-o', 'DPkg::Lock::Timeout=300']);
    await run('apt-get', ['download', '-o', 'APT::Sandbox::User=root', ...packages], { cwd: archives });
    for (const name of await readdir(archives)) await run('dpkg', ['-x', path.join(archives, name), target]);
  });
}

/** A Docker engine that ends with this process. */
export class DockerEngine {
  /** For a program that is to use this engine: by the classic builder, unless DOCKER_BUILDKIT is set. */
  readonly environment: Readonly<Record<string, string>>;
  /** As `environment`, with buildx. */
  readonly buildxEnvironment: Readonly<Record<string, string>>;
  /** As `environment`, with a client that has no BuildKit built in. */
  readonly newClientEnvironment: Readonly<Record<string, string>>;
  readonly #program: RunningProgram;
  readonly #folder: string;
  readonly #docker: string;

  private constructor(folder: string, unpacked: string, newClient: string, program: RunningProgram) {
    this.#folder = folder;
    this.#program = program;
    this.#docker = path.join(unpacked, 'usr', 'bin', 'docker');
    const environmentOf = (client: string, configuration: string): Record<string, string> => ({
      DOCKER_HOST: `unix://${folder}/docker.sock`,
      DOCKER_CONFIG: path.join(folder, configuration),
      PATH: `${path.dirname(client)}${path.delimiter}${process.env.PATH ?? ''}`,
    });
    this.environment = environmentOf(this.#docker, 'empty');
    this.buildxEnvironment = environmentOf(this.#docker, 'buildx');
    this.newClientEnvironment = environmentOf(newClient, 'empty');
  }

  /** Resolves when the engine answers. */
  static async start(): Promise<DockerEngine> {
    const needed = ['runc', 'setpriv', 'docker-buildx', 'docker-cli'] as const;
    const { runc, setpriv, 'docker-buildx': buildx, 'docker-cli': newClient } = await providePrograms(needed);
    const unpacked = await dockerPackages();
    const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-docker-'));
    const plugins = path.join(folder, 'buildx', 'cli-plugins');
    await mkdir(plugins, { recursive: true });
    await symlink(buildx, path.join(plugins, 'docker-buildx'));
    await writeFile(path.join(folder, 'daemon.json'), '{}');
    const program = await RunningProgram.start({
      name: 'dockerd',
      file: path.join(unpacked, 'usr', 'sbin', 'dockerd'),
      args: engineArguments(folder),
      logFile: path.join(folder, 'dockerd.log'),
      environment: engineEnvironment(unpacked, path.dirname(runc)),
      setpriv,
    });
    const engine = new DockerEngine(folder, unpacked, newClient, program);
    await waitUntil('the Docker engine', startTimeoutMs, async () => {
      program.assertRuns();
      await engine.docker('version');
      return true;
    });
    return engine;
  }

  async docker(...args: readonly string[]): Promise<string> {
    return await run(this.#docker, args, { environment: this.environment });
  }

  async stop(): Promise<void> {
    await this.#program.stop(stopGraceMs);
    // An engine leaves the network namespace of containers with the host's network mounted.
    const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map(line => line.split(' ')[1] ?? '');
    for (const mount of mounts.filter(point => point.startsWith(`${this.#folder}/`)).toReversed()) await run('umount', [mount]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function engineArguments(folder: string): readonly string[] {
  return [
    `--config-file=${folder}/daemon.json`,
    `--data-root=${folder}/data`,
    `--exec-root=${folder}/exec`,
    `--pidfile=${folder}/pid`,
    `--host=unix://${folder}/docker.sock`,
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--ip-masq=false',
  ];
}

function engineEnvironment(unpacked: string, runcFolder: string): Record<string, string> {
  const at = (...names: string[]): string => path.join(unpacked, ...names);
  const libraries = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  return {
    PATH: [at('usr', 'sbin'), at('usr', 'bin'), runcFolder, process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(path.delimiter),
    LD_LIBRARY_PATH: [at('lib', libraries), at('usr', 'lib', libraries)].join(path.delimiter),
    HTTP_PROXY: closedProxy,
    HTTPS_PROXY: closedProxy,
    NO_PROXY: '127.0.0.0/8',
  };
}

/** A registry on a loopback address that speaks plain HTTP, as Docker accepts it there. It ends with this process. */
export class ImageRegistry {
  /** As in 127.0.0.1:5000 */
  readonly address: string;
  readonly #program: RunningProgram;
  readonly #folder: string;

  private constructor(address: string, program: RunningProgram, folder: string) {
    this.address = address;
    this.#program = program;
    this.#folder = folder;
  }

  static async start(): Promise<ImageRegistry> {
    const { setpriv } = await providePrograms(['setpriv']);
    const unpacked = await dockerPackages();
    const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-registry-'));
    const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
    const configuration = {
      version: 0.1,
      log: { level: 'warn' },
      storage: { filesystem: { rootdirectory: path.join(folder, 'data') } },
      http: { addr: address },
    };
    // YAML reads JSON.
    await writeFile(path.join(folder, 'config.yml'), JSON.stringify(configuration));
    const program = await RunningProgram.start({
      name: 'docker-registry',
      file: path.join(unpacked, 'usr', 'bin', 'docker-registry'),
      args: ['serve', path.join(folder, 'config.yml')],
      logFile: path.join(folder, 'registry.log'),
      setpriv,
    });
    const registry = new ImageRegistry(address, program, folder);
    await waitUntil('the registry', startTimeoutMs, async () => {
      program.assertRuns();
      return (await fetch(`http://${address}/v2/`)).ok;
    });
    return registry;
  }

  /** The tags that a repository has. */
  async tags(repository: string): Promise<readonly string[]> {
    const response = await fetch(`http://${this.address}/v2/${repository}/tags/list`);
    if (!response.ok) throw new Error(`The registry answers ${response.status} for the tags of ${repository}`);
    return ((await response.json()) as { tags: string[] }).tags;
  }

  async stop(): Promise<void> {
    await this.#program.stop(stopGraceMs);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
