// ExecPlugin: credentials from the program that a kubeconfig names, run as kubectl runs it.
//   https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
//   Differs from client-node: no message quotes the program's standard output, which may be part of a token.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Cluster } from '@kubernetes/client-node';
import { printable } from '../../logging/printable.ts';

/** A user's `exec` in a kubeconfig. */
export interface ExecConfig {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly provideClusterInfo?: boolean;
  readonly interactiveMode?: 'Never' | 'IfAvailable' | 'Always';
  readonly installHint?: string;
}

/** A token, or a certificate with its key, or both. */
export interface ExecCredential {
  readonly token?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** A program that hangs must not block requests indefinitely. */
const timeoutMs = 60_000;
const maxOutputBytes = 1 << 20;
const longestComplaint = 300;

export class ExecPlugin {
  readonly #config: ExecConfig;
  readonly #cluster: Cluster;
  readonly #closing: AbortSignal;
  #credential: ExecCredential | undefined;
  /** Undefined: valid until the API server refuses it. */
  #expiresAtMs: number | undefined;

  /** @param closing kills the program if it is running */
  constructor(config: ExecConfig, cluster: Cluster, closing: AbortSignal) {
    this.#config = config;
    this.#cluster = cluster;
    this.#closing = closing;
  }

  /** The program's last credential, or a new one if that has expired. @throws Error that names the program and the fault */
  async credential(): Promise<ExecCredential> {
    const isGood = this.#expiresAtMs === undefined || Date.now() < this.#expiresAtMs;
    if (this.#credential === undefined || !isGood) this.#credential = await this.#request();
    return this.#credential;
  }

  /** The next call of credential() runs the program again. */
  forget(): void {
    this.#credential = undefined;
  }

  async #request(): Promise<ExecCredential> {
    const { apiVersion, command, interactiveMode } = this.#config;
    if (command === undefined || command === '') throw new Error("the kubeconfig's exec plugin has no command");
    const what = `exec plugin ${command}`;
    if (interactiveMode === 'Always')
      throw new Error(`${what} needs a terminal (interactiveMode: Always), which is not supported`);
    const printed = parsed(await this.#run(what, command));
    if (printed?.kind !== 'ExecCredential' || !printed.status) throw new Error(`${what} printed no ExecCredential with a status`);
    if (printed.apiVersion !== apiVersion)
      throw new Error(`${what} printed an ExecCredential with another apiVersion than the requested ${apiVersion ?? 'none'}`);
    const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = printed.status;
    if (!token && !(cert && key)) throw new Error(`${what} printed neither a token nor a certificate with its key`);
    const expiresAtMs =
      expirationTimestamp === undefined || expirationTimestamp === null ? undefined : Date.parse(expirationTimestamp);
    if (Number.isNaN(expiresAtMs)) throw new Error(`${what} printed an expirationTimestamp that is not a time`);
    this.#expiresAtMs = expiresAtMs;
    return { token: token || undefined, cert: cert || undefined, key: key || undefined };
  }

  #run(what: string, command: string): Promise<string> {
    const { args, env, installHint } = this.#config;
    const variables = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
    // eslint-disable-next-line no-restricted-syntax -- passed on unread: the plugin inherits it, as with kubectl
    const environment = { ...process.env, ...variables, KUBERNETES_EXEC_INFO: JSON.stringify(this.#info()) };
    const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: maxOutputBytes } as const;
    return new Promise((resolve, reject) => {
      const options = { ...limits, env: environment, signal: this.#closing };
      const child = execFile(command, args ?? [], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${what}: ${outcomeOf(error, stderr, installHint)}`));
        // The program may have ignored the signal.
        child.kill('SIGKILL');
      });
      child.stdin?.on('error', () => undefined).end();
    });
  }

  #info(): object {
    const { apiVersion, provideClusterInfo } = this.#config;
    if (provideClusterInfo !== true) return { apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
    const { server, caFile, caData, skipTLSVerify, tlsServerName, proxyUrl } = this.#cluster;
    const cluster = {
      server,
      'certificate-authority-data': caFile ? readFileSync(caFile).toString('base64') : caData,
      'insecure-skip-tls-verify': skipTLSVerify,
      'tls-server-name': tlsServerName,
      'proxy-url': proxyUrl,
    };
    return { apiVersion, kind: 'ExecCredential', spec: { interactive: false, cluster } };
  }
}

interface PrintedCredential {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly status?: {
    readonly token?: string | null;
    readonly clientCertificateData?: string | null;
    readonly clientKeyData?: string | null;
    readonly expirationTimestamp?: string | null;
  } | null;
}

function parsed(text: string): PrintedCredential | undefined {
  try {
    return (JSON.parse(text) ?? undefined) as PrintedCredential | undefined;
  } catch {
    return undefined;
  }
}

/** Includes the last line of standard error, which is meant for users: "run `aws sso login`". */
function outcomeOf(
  error: { readonly code?: string | number | null; readonly killed?: boolean; readonly signal?: string | null },
  stderr: string,
  installHint: string | undefined,
): string {
  if (error.code === 'ENOENT') return `program not found${installHint === undefined ? '' : `. ${installHint}`}`;
  if (error.code === 'EACCES') return 'is not executable';
  if (error.code === 'ABORT_ERR') return 'the Kubernetes client is closed';
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `printed more than ${maxOutputBytes} bytes`;
  if (error.killed === true) return `did not end within ${timeoutMs / 1000} s`;
  const how =
    typeof error.code === 'number' ? `ended with exit code ${error.code}` : `was ended by ${error.signal ?? 'a signal'}`;
  const complaint = printable(stderr.trim().split('\n').at(-1)?.trim() ?? '', longestComplaint);
  return complaint === '' ? how : `${how}: ${complaint}`;
}
