// Installs the chart and the example network into a cluster, waits until its nodes are connected, and removes what it created.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CommandFailedError } from './command.ts';
import { type Progress, say } from './progress.ts';
import type { TargetCluster } from './target-cluster.ts';

const root = path.resolve(import.meta.dirname, '..');
const chart = path.join(root, 'charts', 'bitcoin-controller');
const example = path.join(root, 'examples', 'with-credentials.yaml');
const crd = 'bitcoinnetworks.bitcoincontroller.christianb93.github.com';
export const release = 'bitcoin-controller';
export const controllerNamespace = 'bitcoin-controller-system';
export const networkNamespace = 'bitcoin';
export const networkName = 'my-network';
const nodes = 3;
const waitSeconds = 180;

/** What did not exist before and is therefore removed at the end. */
type Made = 'crd' | `namespace ${string}` | 'release' | 'network';

export class Installation {
  readonly #cluster: TargetCluster;
  readonly #progress: Progress;
  /** In the order of creation. */
  readonly #made: Made[] = [];

  constructor(cluster: TargetCluster, progress: Progress) {
    this.#cluster = cluster;
    this.#progress = progress;
  }

  /** @throws Error if a step fails. Before a wait times out, the pods, events and logs of the namespace are printed. */
  async install(signal: AbortSignal): Promise<void> {
    const steps: readonly (readonly [string, () => Promise<void>])[] = [
      [
        `Creating the namespaces ${controllerNamespace} and ${networkNamespace}, with Pod Security "restricted"`,
        () => this.#makeNamespaces(),
      ],
      ['Installing the Helm chart', () => this.#installChart()],
      [`Applying ${path.relative(process.cwd(), example)}`, () => this.#applyExample()],
      [`Waiting until ${nodes} bitcoin nodes are connected`, () => this.#waitUntilConnected()],
    ];
    for (const [title, step] of steps) {
      signal.throwIfAborted();
      await this.#progress.step(title, step);
    }
  }

  /** The commands by which a user removes what install() created. */
  get removalCommands(): readonly string[] {
    return this.#made.toReversed().map(made => {
      if (made === 'network') return `kubectl delete --namespace ${networkNamespace} --filename ${example}`;
      if (made === 'release') return `helm uninstall ${release} --namespace ${controllerNamespace}`;
      return made === 'crd' ? `kubectl delete crd ${crd}` : `kubectl delete ${made}`;
    });
  }

  /** Removes what install() created, in reverse order. Nothing needs to be removed from a cluster that goes away itself. */
  async uninstall(): Promise<void> {
    if (this.#cluster.goesAway) return;
    for (const made of this.#made.reverse()) await this.#progress.step(`Removing ${made}`, () => this.#remove(made));
  }

  async #makeNamespaces(): Promise<void> {
    if (!(await this.#exists('crd', crd))) this.#made.push('crd');
    for (const name of [controllerNamespace, networkNamespace]) {
      if (await this.#exists('namespace', name)) continue;
      await this.#cluster.kubectl(['create', 'namespace', name]);
      this.#made.push(`namespace ${name}`);
      await this.#cluster.kubectl(['label', 'namespace', name, 'pod-security.kubernetes.io/enforce=restricted']);
    }
  }

  async #installChart(): Promise<void> {
    const existing = await this.#cluster.helm([
      'list',
      '--all',
      '--namespace',
      controllerNamespace,
      '--filter',
      `^${release}$`,
      '--short',
    ]);
    if (existing.trim() !== '') {
      throw new Error(
        `The release ${release} already exists in the namespace ${controllerNamespace} and was not changed. To remove it: helm uninstall ${release} --namespace ${controllerNamespace}`,
      );
    }
    this.#made.push('release');
    const images = [
      ...imageValues('image', this.#cluster.controllerImage),
      ...imageValues('bitcoind.image', this.#cluster.bitcoindImage),
    ];
    const args = [
      'install',
      release,
      chart,
      '--namespace',
      controllerNamespace,
      ...images.flatMap(value => ['--set-string', value]),
    ];
    await this.#cluster.helm([...args, '--wait', '--timeout', `${waitSeconds}s`]).catch(async (error: unknown) => {
      await this.#explain(controllerNamespace);
      throw error;
    });
  }

  async #applyExample(): Promise<void> {
    if (await this.#exists('bitcoinnetwork', networkName))
      throw new Error(`The BitcoinNetwork ${networkNamespace}/${networkName} already exists and was not changed`);
    this.#made.push('network');
    await this.#cluster.kubectl(['apply', '--namespace', networkNamespace, '--filename', '-'], await readFile(example, 'utf8'));
  }

  async #waitUntilConnected(): Promise<void> {
    const args = [
      'wait',
      '--namespace',
      networkNamespace,
      '--for=condition=Connected',
      `bitcoinnetwork/${networkName}`,
      `--timeout=${waitSeconds}s`,
    ];
    await this.#cluster.kubectl(args).catch(async (error: unknown) => {
      await this.#explain(networkNamespace);
      await this.#explain(controllerNamespace);
      throw error;
    });
  }

  async #exists(resource: string, name: string): Promise<boolean> {
    const scope = resource === 'bitcoinnetwork' ? ['--namespace', networkNamespace] : [];
    return (await this.#cluster.kubectl(['get', resource, name, ...scope, '--ignore-not-found', '--output=name'])).trim() !== '';
  }

  async #remove(made: Made): Promise<void> {
    const { kubectl, helm } = this.#cluster;
    if (made === 'network')
      await kubectl(
        ['delete', '--namespace', networkNamespace, '--ignore-not-found', '--cascade=foreground', '--filename', '-'],
        await readFile(example, 'utf8'),
      );
    else if (made === 'release')
      await helm(['uninstall', release, '--namespace', controllerNamespace, '--ignore-not-found', '--wait']);
    else if (made !== 'crd') await kubectl(['delete', ...made.split(' '), '--ignore-not-found']);
    else if (await this.#exists('crd', crd)) {
      const others = await kubectl(['get', 'bitcoinnetworks', '--all-namespaces', '--output=name']);
      if (others.trim() === '') await kubectl(['delete', 'crd', crd]);
      else say(`The CustomResourceDefinition was kept because other networks exist: ${others.trim().split('\n').join(', ')}`);
    }
  }

  /** Prints the pods, events and logs of a namespace in which something does not become ready. */
  async #explain(namespace: string): Promise<void> {
    const questions = [
      ['get', 'pods', '--output=wide'],
      ['get', 'events', '--sort-by=.lastTimestamp'],
      [
        'logs',
        '--selector',
        namespace === controllerNamespace ? 'app.kubernetes.io/name=bitcoin-controller' : `app=${networkName}`,
        '--tail=15',
        '--prefix',
      ],
    ];
    for (const question of questions) {
      const answer = await this.#cluster
        .kubectl([...question, '--namespace', namespace])
        .catch((error: unknown) => (error instanceof CommandFailedError ? error.message : String(error)));
      say(`\n$ kubectl --namespace ${namespace} ${question.join(' ')}\n${answer.trim()}`);
    }
  }
}

/** The chart's values for an image: REPOSITORY:TAG or REPOSITORY@DIGEST. */
export function imageValues(prefix: string, image: string): string[] {
  const [, repository = image, tag, digest] = /^(.+?)(?::([\w][\w.-]*))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(image) ?? [];
  return [
    `${prefix}.repository=${repository}`,
    ...(tag === undefined ? [] : [`${prefix}.tag=${tag}`]),
    ...(digest === undefined ? [] : [`${prefix}.digest=${digest}`]),
  ];
}
