// bitcoind as a pod has it, without a container engine: namespaces of its own, a read-only root with the files of an image, any user, and
// the ConfigMap of the network mounted. Nothing that it opens is seen by the rest of the machine. Needs root.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../../tools/command.ts';
import { providePrograms } from '../../../tools/programs.ts';
import { eventually } from '../until.ts';

export interface SandboxOptions {
  /** Of the ConfigMap: file names and their texts. */
  readonly data: Readonly<Record<string, string>>;
  /** The value of rpcauth.conf. Default: none is mounted. */
  readonly rpcAuth?: string;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Besides those of the loopback, with the length of their prefix. Default: none. */
  readonly addresses?: readonly string[];
  /** dash with the programs of this machine, or busybox alone. Default: dash. */
  readonly shell?: 'dash' | 'busybox';
  /** The folder of the image that has bitcoind; undefined for an image without one. */
  readonly folder: string | undefined;
  /** PATH of the image. */
  readonly path: string;
}

const user = 12_345;

/** Makes the root in a mount namespace, and becomes the container's process in it. Arguments: those of the start script. */
const setup = `set -eu
mount -t tmpfs -o mode=0755 image "$ROOT"
mkdir -p "$ROOT/bin" "$ROOT/dev" "$ROOT/proc" "$ROOT/bitcoin" "$ROOT/run/bitcoin" "$ROOT/etc/bitcoin-controller" "$ROOT$PACKAGES"
if [ "$SHELL_OF_IMAGE" = busybox ]; then
  cp "$BUSYBOX" "$ROOT/bin/busybox"
  for applet in sh cat wc; do ln -s busybox "$ROOT/bin/$applet"; done
else
  cp /bin/dash "$ROOT/bin/sh"
  cp /bin/cat /usr/bin/wc "$ROOT/bin/"
  for folder in /lib /lib64 /usr/lib; do
    [ -d "$folder" ] || continue
    mkdir -p "$ROOT$folder"
    mount --bind "$folder" "$ROOT$folder"
  done
fi
mount --bind "$FILES" "$ROOT/etc/bitcoin-controller"
mount --bind "$PACKAGES" "$ROOT$PACKAGES"
if [ -d "$HASHES" ]; then
  mkdir "$ROOT/etc/bitcoin-rpcauth"
  mount --bind "$HASHES" "$ROOT/etc/bitcoin-rpcauth"
fi
mount --rbind /dev "$ROOT/dev"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o mode=0777 data "$ROOT/bitcoin"
mount -t tmpfs -o mode=0777 configuration "$ROOT/run/bitcoin"
if [ -n "$FOLDER" ]; then
  mkdir -p "$ROOT$FOLDER"
  ln -sf "$PACKAGES/bin/bitcoind" "$ROOT$FOLDER/bitcoind"
fi
mount -o remount,ro "$ROOT"
ip link set lo up
for address in $ADDRESSES; do ip address add "$address" dev lo; done
exec env -i PATH="$PATH_OF_IMAGE" $VARIABLES "$(command -v chroot)" --userspec=${user}:${user} "$ROOT" /bin/sh /etc/bitcoin-controller/start.sh "$@"
`;

export class ImageSandbox {
  readonly #process: ChildProcess;
  readonly #home: string;
  #output = '';

  private constructor(process: ChildProcess, home: string) {
    this.#process = process;
    this.#home = home;
    for (const stream of [process.stdout, process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
  }

  static async start(options: SandboxOptions) {
    const { data, rpcAuth, args = [], environment = {}, addresses = [], shell = 'dash', folder, path: imagePath } = options;
    const { bitcoind, busybox } = await providePrograms(['bitcoind', 'busybox']);
    const home = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-sandbox-'));
    const [root, files] = [path.join(home, 'root'), path.join(home, 'files')];
    await Promise.all([mkdir(root), mkdir(files)]);
    for (const [name, text] of Object.entries(data)) await writeFile(path.join(files, name), text);
    const hashes = path.join(home, 'hashes');
    if (rpcAuth !== undefined) {
      await mkdir(hashes);
      await writeFile(path.join(hashes, 'rpcauth.conf'), rpcAuth);
    }
    const env = {
      PATH: process.env.PATH,
      HASHES: hashes,
      ...{ ROOT: root, FILES: files, PACKAGES: path.resolve(bitcoind, '../..'), BUSYBOX: busybox, FOLDER: folder ?? '' },
      ...{ SHELL_OF_IMAGE: shell, PATH_OF_IMAGE: imagePath, ADDRESSES: addresses.join(' ') },
      VARIABLES: Object.entries(environment)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    };
    const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child'];
    const child = spawn('unshare', [...namespaces, 'sh', '-c', setup, 'sh', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    return new ImageSandbox(child, home);
  }

  /** What the start script and bitcoind printed so far. */
  get output(): string {
    return this.#output;
  }

  /** The exit code of a bitcoind that ends by itself. */
  async exitCode(): Promise<number | null> {
    if (this.#process.exitCode === null) await once(this.#process, 'close');
    return this.#process.exitCode;
  }

  /** The process that is PID 1 in the sandbox. Throws with the output if it has ended. */
  async pid(): Promise<number> {
    const { pid } = this.#process;
    let child = 0;
    await eventually(async () => {
      if (this.#process.exitCode !== null) throw new Error(`It ended: ${this.#output}`);
      child = Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim());
      return child > 0;
    });
    return child;
  }

  /** Sends a request from within the network of the pod; status 0 if nobody listens. */
  async request(
    port: number,
    target: string,
    {
      body,
      authorization,
      host = '127.0.0.1',
    }: { readonly body?: object; readonly authorization?: string; readonly host?: string } = {},
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const options = {
      method: body === undefined ? 'GET' : 'POST',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: authorization === undefined ? {} : { authorization: `Basic ${btoa(authorization)}` },
    };
    const program = `const answer = await fetch(${JSON.stringify(`http://${host}:${port}${target}`)}, ${JSON.stringify(options)}).then(
      async response => ({ status: response.status, text: await response.text() }), () => ({ status: 0, text: '' }));
      process.stdout.write(JSON.stringify(answer));`;
    const entered = ['--target', String(await this.pid()), '--net', process.execPath, '--input-type=module', '-e', program];
    const { status, text } = JSON.parse(await run('nsenter', entered)) as { status: number; text: string };
    return { status, body: /^[[{]/.test(text) ? JSON.parse(text) : text };
  }

  /** Resolves when the readiness probe of a pod would succeed; throws with the output if bitcoind ends before. */
  async ready(port: number): Promise<void> {
    await eventually(async () => (await this.request(port, '/rest/chaininfo.json')).status === 200);
  }

  /** The TCP ports on which it listens for connections from other machines. */
  async openPorts(): Promise<number[]> {
    const table = await readFile(`/proc/${await this.pid()}/net/tcp`, 'utf8');
    const listening = table
      .split('\n')
      .map(line => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => state === '0A' && local.startsWith('00000000:'));
    return listening.map(([, local = '']) => Number.parseInt(local.slice(9), 16)).sort((one, other) => one - other);
  }

  /** Stops bitcoind as the kubelet does, and removes all traces. */
  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = once(this.#process, 'close');
      process.kill(await this.pid(), 'SIGTERM');
      await ended;
    }
    await rm(this.#home, { recursive: true, force: true });
  }
}
