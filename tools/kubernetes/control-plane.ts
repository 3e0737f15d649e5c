// A separate Kubernetes control plane: etcd and kube-apiserver, and on request kube-controller-manager and kube-scheduler.
// RBAC and the default admission plugins are on, as in any cluster.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ApiClient } from './api-client.ts';
import { apiServerArguments, controllerManagerArguments, schedulerArguments } from './control-plane-arguments.ts';
import { CertificateAuthority, type CertificateFiles, createTokenKeys, type Subject } from './certificates.ts';
import { assertRuns, Etcd } from './etcd.ts';
import { freePort } from './free-port.ts';
import { type ApiServerAddress, writeKubeconfig } from './kubeconfig.ts';
import { type ProgramOptions, RunningProgram } from './process.ts';
import { waitUntil } from './wait-until.ts';

const startTimeoutMs = 120_000;
const gracefulStopMs = 20_000;
/** The user that each certificate authenticates as. */
const clients = {
  admin: { organization: 'system:masters', commonName: 'admin' },
  'controller-manager': { commonName: 'system:kube-controller-manager' },
  'kubelet-client': { organization: 'system:masters', commonName: 'kube-apiserver-kubelet-client' },
  scheduler: { commonName: 'system:kube-scheduler' },
} as const satisfies Record<string, Subject>;

export type ControlPlaneProgram = 'etcd' | 'openssl' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

export interface ControlPlaneSettings {
  /** Everything that the control plane writes is in this folder. */
  folder: string;
  programs: Record<'etcd' | 'openssl' | 'kube-apiserver', string> & Partial<Record<ControlPlaneProgram, string>>;
  /** Path of setpriv if all programs must end with this process. */
  setpriv?: string;
  /** The address of the API server: loopback or a bridge of this machine, so that no other machine reaches it. */
  address: string;
  /** As in 10.96.0.0/16: a prefix of 16 bits. */
  serviceRange: string;
  controllerManager: boolean;
  scheduler: boolean;
  /** Whether each request is written to audit.log (level Metadata). */
  audit: boolean;
  /** Appended to the API server's command line. Of a repeated argument the last counts. */
  apiServerArguments?: readonly string[];
  /** Set for a control plane with kubelets, which it reaches for logs and exec at their internal address. */
  hasKubelets: boolean;
}

export class ControlPlane {
  readonly settings: ControlPlaneSettings;
  readonly server: ApiServerAddress;
  readonly authority: CertificateAuthority;
  /** File of the administrator's kubeconfig, and its text. */
  readonly kubeconfigPath: string;
  adminKubeconfig = '';
  readonly #port: number;
  /** Filled by start(), in the order of starting. */
  readonly #programs = new Map<string, RunningProgram>();
  /** How the controller manager and the scheduler were started. */
  readonly #controllers: Pick<ProgramOptions, 'name' | 'file' | 'args'>[] = [];
  #etcd: Etcd | undefined;
  #client: ApiClient | undefined;
  #tokenKeys: { privateKey: string; publicKey: string } | undefined;
  #serving: CertificateFiles | undefined;
  #kubeletClient: CertificateFiles | undefined;

  private constructor(settings: ControlPlaneSettings, authority: CertificateAuthority, port: number) {
    this.settings = settings;
    this.authority = authority;
    this.#port = port;
    this.server = { url: `https://${settings.address}:${port}`, authority: authority.certificate };
    this.kubeconfigPath = path.join(settings.folder, 'admin.kubeconfig');
  }

  /** Resolves when the API server is ready and the default namespace exists (with a controller manager: its service account too). */
  static async start(settings: ControlPlaneSettings): Promise<ControlPlane> {
    for (const name of ['certificates', 'logs']) await mkdir(path.join(settings.folder, name), { recursive: true, mode: 0o700 });
    const etcd = Etcd.start({
      program: settings.programs.etcd,
      folder: path.join(settings.folder, 'etcd'),
      logs: path.join(settings.folder, 'logs'),
      ...(settings.setpriv === undefined ? {} : { setpriv: settings.setpriv }),
    });
    // Awaited below, after the steps that need no etcd.
    etcd.catch(() => undefined);
    const authority = await CertificateAuthority.create(settings.programs.openssl, path.join(settings.folder, 'certificates'));
    const controlPlane = new ControlPlane(settings, authority, await freePort(settings.address));
    try {
      await controlPlane.#issueCertificates();
      controlPlane.#etcd = await etcd;
      controlPlane.#programs.set('etcd', controlPlane.#etcd.program);
      await controlPlane.startApiServer();
      await controlPlane.#startControllers();
    } catch (error) {
      await controlPlane.stop();
      throw error;
    }
    return controlPlane;
  }

  get etcd(): Etcd {
    if (this.#etcd === undefined) throw new Error('etcd has not been started');
    return this.#etcd;
  }

  /** Requests as the administrator. */
  get client(): ApiClient {
    if (this.#client === undefined) throw new Error('The API server has not been started');
    return this.#client;
  }

  get auditLogPath(): string | undefined {
    return this.settings.audit ? path.join(this.settings.folder, 'audit.log') : undefined;
  }

  /** The programs that were started, in this order. */
  get programs(): readonly RunningProgram[] {
    return [...this.#programs.values()];
  }

  /**
   * Starts the API server for the first time, or again at the same address with the same data. Resolves when it is ready.
   * @param extraArguments used for this start instead of the settings' `apiServerArguments`
   */
  async startApiServer(extraArguments = this.settings.apiServerArguments ?? []): Promise<void> {
    if (this.#serving === undefined || this.#tokenKeys === undefined) throw new Error('The control plane has no certificates');
    const { folder, programs } = this.settings;
    if (this.settings.audit) await writeFile(path.join(folder, 'audit-policy.yaml'), auditPolicy);
    const args = apiServerArguments({
      settings: this.settings,
      port: this.#port,
      etcdEndpoint: this.etcd.endpoint,
      authority: this.authority.certificate,
      serving: this.#serving,
      tokenKeys: this.#tokenKeys,
      kubeletClient: this.#kubeletClient,
    });
    args.push(...extraArguments);
    const program = await this.#run({ name: 'kube-apiserver', file: programs['kube-apiserver'], args });
    await waitUntil('the API server', startTimeoutMs, async () => {
      assertRuns(program);
      if ((await this.client.ask('GET', '/readyz')).status !== 200) return false;
      return (await this.client.ask('GET', '/api/v1/namespaces/default')).status === 200;
    });
  }

  /**
   * Ends the API server.
   * @param how politely: requests end first; abruptly: as a crash looks to its clients
   */
  async stopApiServer(how: 'politely' | 'abruptly' = 'politely'): Promise<void> {
    await this.#programs.get('kube-apiserver')?.stop(how === 'politely' ? gracefulStopMs : 0);
  }

  /** Issues a client certificate and writes a kubeconfig with it; returns the file. */
  async kubeconfigFor(name: string, subject: Subject): Promise<string> {
    const file = path.join(this.settings.folder, `${name}.kubeconfig`);
    await writeKubeconfig(file, this.server, await this.authority.issue(name, subject));
    return file;
  }

  /** Writes a kubeconfig for a service account, which must exist; returns the file. The token is valid for an hour. */
  async kubeconfigForServiceAccount(namespace: string, name: string): Promise<string> {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
    const answer = await this.client.ask('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, request);
    if (answer.status >= 300) throw new Error(`token for service account ${namespace}/${name}: ${answer.status} ${answer.body}`);
    const { status } = JSON.parse(answer.body) as { status: { token: string } };
    const file = path.join(this.settings.folder, `service-account-${namespace}-${name}.kubeconfig`);
    await writeKubeconfig(file, this.server, { token: status.token });
    return file;
  }

  /** Starts another program that ends with the control plane. */
  async run(options: Pick<ProgramOptions, 'name' | 'file' | 'args'>): Promise<RunningProgram> {
    return await this.#run(options);
  }

  /**
   * Restarts the controller manager and the scheduler if they ended by themselves, as a kubelet does in a cluster.
   * @returns for each restarted program, how it ended and the end of its log
   */
  async revive(): Promise<string[]> {
    const causes: string[] = [];
    for (const { name, args, file } of this.#controllers) {
      const ended = this.#programs.get(name)?.ending;
      if (ended === undefined) continue;
      causes.push(ended);
      await this.#run({ name, args, file });
    }
    return causes;
  }

  /** Starts the controller manager and the scheduler over: from new lists, without the backoff of what failed before. */
  async restartControllers(): Promise<void> {
    for (const { name, args, file } of this.#controllers) {
      await this.#programs.get(name)?.stop(0);
      await this.#run({ name, args, file });
    }
  }

  /** Kills all programs at once, in reverse order of their start. Its data is not kept. */
  async stop(): Promise<void> {
    this.#client?.close();
    await Promise.all([...this.#programs.values()].reverse().map(program => program.stop(0)));
  }

  async #issueCertificates(): Promise<void> {
    const folder = path.join(this.settings.folder, 'certificates');
    const address = this.settings.address;
    const names = [
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      'localhost',
    ];
    const addresses = new Set(['127.0.0.1', address, firstAddress(this.settings.serviceRange)]);
    const alternativeNames = [...names.map(name => `DNS:${name}`), ...[...addresses].map(one => `IP:${one}`)];
    const [admin, serving, tokenKeys] = await Promise.all([
      this.authority.issue('admin', clients.admin),
      this.authority.issue('apiserver', { commonName: 'kube-apiserver', alternativeNames }),
      createTokenKeys(this.settings.programs.openssl, folder),
    ]);
    this.#serving = serving;
    this.#tokenKeys = tokenKeys;
    if (this.settings.hasKubelets) this.#kubeletClient = await this.authority.issue('kubelet-client', clients['kubelet-client']);
    this.adminKubeconfig = await writeKubeconfig(this.kubeconfigPath, this.server, admin);
    this.#client = new ApiClient(this.server, admin);
  }

  async #startControllers(): Promise<void> {
    const { programs, controllerManager, scheduler, hasKubelets } = this.settings;
    if (controllerManager) {
      const kubeconfig = await this.kubeconfigFor('controller-manager', clients['controller-manager']);
      const tokenKey = this.#tokenKeys?.privateKey ?? '';
      const args = controllerManagerArguments({ kubeconfig, authority: this.authority.certificate, tokenKey, hasKubelets });
      const program = await this.#runController({
        name: 'kube-controller-manager',
        file: programs['kube-controller-manager'] ?? '',
        args,
      });
      await waitUntil('the default service account', startTimeoutMs, async () => {
        assertRuns(program);
        return (await this.client.ask('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status === 200;
      });
    }
    if (scheduler) {
      const kubeconfig = await this.kubeconfigFor('scheduler', clients.scheduler);
      const args = await schedulerArguments(kubeconfig, this.settings.folder);
      await this.#runController({ name: 'kube-scheduler', file: programs['kube-scheduler'] ?? '', args });
    }
  }

  #runController(options: Pick<ProgramOptions, 'name' | 'file' | 'args'>): Promise<RunningProgram> {
    this.#controllers.push(options);
    return this.#run(options);
  }

  async #run(options: Pick<ProgramOptions, 'name' | 'file' | 'args'>): Promise<RunningProgram> {
    const program = await RunningProgram.start({
      ...options,
      logFile: path.join(this.settings.folder, 'logs', `${options.name}.log`),
      // No request of these programs may go through a proxy: all servers are on this machine.
      environment: { NO_PROXY: '*', no_proxy: '*' },
      ...(this.settings.setpriv === undefined ? {} : { setpriv: this.settings.setpriv }),
    });
    this.#programs.set(options.name, program);
    return program;
  }
}

/** The first address of a range with a prefix of 16 bits: the address of the service kubernetes.default. */
export function firstAddress(range: string): string {
  const [first, second] = range.split('.');
  return `${first ?? ''}.${second ?? ''}.0.1`;
}

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules: [{ level: Metadata }]
`;
