// Faulty nodes, beside a network with real bitcoinds: the controller on a real API server, as its own process.
// There is no kubelet: the test sets the address of each pod, which is on this machine's loopback.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { customResourceDefinitions } from '../../src/bitcoin/api/custom-resource-definition.ts';
import { providePrograms } from '../../tools/programs.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';

const rpcPort = 18443;
const root = path.resolve(import.meta.dirname, '..', '..');
const answer =
  (status: number, body: string): RequestListener =>
  (_, response) =>
    response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(body);

interface Hostile {
  readonly listener: RequestListener;
  /** The condition Connected, as REASON and a part of its message. */
  readonly reason: string;
  readonly message: RegExp;
}

const hostile: Readonly<Record<string, Hostile>> = {
  hangs: { listener: () => undefined, reason: 'PeerConnectFailed', message: /no answer within/ },
  refuses: { listener: answer(401, ''), reason: 'CredentialsRejected', message: /401/ },
  busy: { listener: answer(503, 'Work queue depth exceeded'), reason: 'PeerConnectFailed', message: /503/ },
  warming: {
    listener: answer(200, JSON.stringify({ id: null, error: { code: -28, message: 'Loading…' } })),
    reason: 'ConnectingPeers',
    message: /0 of 1/,
  },
  garbage: { listener: answer(200, '<html>no JSON here</html>'), reason: 'PeerConnectFailed', message: /not JSON/ },
  huge: { listener: answer(200, `["${'x'.repeat(10_000_000)}"]`), reason: 'PeerConnectFailed', message: /larger than/ },
};

describe('faulty nodes', function () {
  this.timeout(0);
  const servers: Server[] = [];
  const processes: ChildProcess[] = [];
  let api: TestControlPlane;
  let folder: string;

  const bitcoinNetwork = (name: string, nodes: number) => ({
    apiVersion: 'bitcoincontroller.christianb93.github.com/v1',
    kind: 'BitcoinNetwork',
    metadata: { name },
    spec: { nodes },
  });
  const create = (name: string, nodes: number) =>
    api.kubectlWithInput(JSON.stringify(bitcoinNetwork(name, nodes)), 'create', '-f', '-');

  /** Plays the kubelet: the pod runs at `ip` and is ready. */
  async function runPod(name: string, ip: string): Promise<void> {
    await api.kubectl('wait', '--for=create', `pod/${name}`, '--timeout=60s');
    const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] };
    await api.kubectl('patch', 'pod', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
  }

  async function startBitcoind(ip: string): Promise<void> {
    const { bitcoind } = await providePrograms(['bitcoind']);
    const data = await mkdtemp(path.join(folder, 'node-'));
    const network = [
      `-rpcbind=${ip}`,
      `-rpcallowip=127.0.0.0/8`,
      `-rpcport=${rpcPort}`,
      `-bind=${ip}:18444`,
      '-listen=1',
      '-connect=0',
      '-listenonion=0',
      '-dnsseed=0',
    ];
    const options = ['-regtest', '-server=1', `-datadir=${data}`, '-rpcuser=user', '-rpcpassword=password', ...network];
    const child = spawn(bitcoind, options, { stdio: ['ignore', 'pipe', 'inherit'] });
    processes.push(child);
    for await (const text of child.stdout.setEncoding('utf8')) if (String(text).includes('Done loading')) break;
    child.stdout.destroy();
  }

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-hostile-'));
    api = await startControlPlane({ controllerManager: true });
    await api.kubectlWithInput(JSON.stringify(customResourceDefinitions()), 'apply', '--server-side', '-f', '-');
    for (const [index, { listener }] of Object.values(hostile).entries()) {
      const server = createServer(listener).listen(rpcPort, `127.0.9.${index + 1}`);
      await once(server, 'listening');
      servers.push(server);
    }
    const controller = spawn(
      process.execPath,
      [path.join(root, 'src', 'main.ts'), '--kubeconfig', api.kubeconfigPath, '--namespace', 'default', '--log-level', 'warn'],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    processes.push(controller);
  });

  after(async () => {
    for (const child of processes) {
      if (child.exitCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await api.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('do not delay a network whose nodes work', async () => {
    for (const [index, name] of Object.keys(hostile).entries()) {
      await create(name, 1);
      await runPod(`${name}-sts-0`, `127.0.9.${index + 1}`);
    }
    await Promise.all(['127.0.8.1', '127.0.8.2'].map(startBitcoind));
    await create('alice', 2);
    await runPod('alice-sts-0', '127.0.8.1');
    await runPod('alice-sts-1', '127.0.8.2');
    await api.kubectl('wait', '--for=condition=Connected', 'bitcoinnetwork/alice', '--timeout=120s');
  });

  for (const [name, { reason, message }] of Object.entries(hostile))
    it(`are reported with the cause: one that ${name}`, async () => {
      await api.kubectl(
        'wait',
        `--for=jsonpath={.status.conditions[?(@.type=="Connected")].reason}=${reason}`,
        `bitcoinnetwork/${name}`,
        '--timeout=120s',
      );
      const path_ = 'jsonpath={.status.conditions[?(@.type=="Connected")].message}';
      expect(await api.kubectl('get', `bitcoinnetwork/${name}`, '-o', path_)).to.match(message);
    });

  it('cause a Warning event that is counted, except a node that is warming up', async () => {
    const eventsOf = (name: string) =>
      api.kubectl(
        'get',
        'events',
        '--field-selector',
        `involvedObject.name=${name},type=Warning`,
        '-o',
        'jsonpath={.items[*].reason}',
      );
    expect(await eventsOf('refuses')).to.contain('CredentialsRejected');
    expect(await eventsOf('garbage')).to.contain('PeerConnectFailed');
    expect(await eventsOf('warming')).not.to.contain('Failed');
  });

  it('do not prevent the controller from exiting on SIGTERM', async () => {
    const controller = processes[0]!;
    const exited = once(controller, 'exit');
    controller.kill('SIGTERM');
    expect(await exited).to.deep.equal([0, null]);
  });
});
