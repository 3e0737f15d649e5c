// The features of the real cluster that the other tests rely on: pods, services, the API server from a pod, logs and exec; and the bitcoind image,
// which must work with a read-only root under Pod Security "restricted".
import { expect } from 'chai';
import { stringify } from 'yaml';
import { sharedCluster, type TestCluster } from '../support/cluster/cluster.ts';

const namespace = `cluster-test-${process.pid}`;
const readOnly = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true };

function bitcoindPod(name: string, image: string, environment: Record<string, string>): string {
  const volumes = { data: '/bitcoin', configuration: '/run/bitcoin' };
  const container = {
    name: 'bitcoind',
    image,
    env: Object.entries(environment).map(([variable, value]) => ({ name: variable, value })),
    ports: [{ containerPort: 18443 }],
    readinessProbe: { httpGet: { path: '/rest/chaininfo.json', port: 18443 }, periodSeconds: 1 },
    securityContext: readOnly,
    volumeMounts: Object.entries(volumes).map(([volume, mountPath]) => ({ name: volume, mountPath })),
  };
  return stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, fsGroup: 10001, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [container],
      volumes: Object.keys(volumes).map(volume => ({ name: volume, emptyDir: {} })),
    },
  });
}

describe('The local cluster', () => {
  let cluster: TestCluster;
  const kubectl = (...args: string[]): Promise<string> => cluster.kubectl('--namespace', namespace, ...args);
  const start = async (name: string, environment: Record<string, string>): Promise<void> => {
    await cluster.kubectlWithInput(bitcoindPod(name, cluster.bitcoindImage, environment), 'apply', '--filename', '-');
  };

  before(async () => {
    cluster = await sharedCluster();
    await cluster.kubectl('create', 'namespace', namespace);
    await cluster.kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
    await start('with-credentials', { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: "it's=a $(secret)" });
    await start('with-defaults', {});
    await kubectl('expose', 'pod', 'with-credentials', '--port=18443');
    await kubectl('wait', '--for=condition=Ready', 'pod/with-credentials', 'pod/with-defaults', '--timeout=120s');
  });

  after(() => cluster.kubectl('delete', 'namespace', namespace, '--wait=false'));

  it("runs bitcoin-cli in a pod with the container's own credentials", async () => {
    for (const pod of ['with-credentials', 'with-defaults']) {
      expect(
        await kubectl('exec', pod, '--', '/usr/local/bin/bitcoin-cli', '-regtest', '-conf=/bitcoin.conf', 'getblockcount'),
      ).to.equal('0\n');
    }
  });

  it('shows the logs of a pod, which report the use of the defaults and never a password', async () => {
    expect(await kubectl('logs', 'with-defaults')).to.include('default credentials');
    const logs = await kubectl('logs', 'with-credentials');
    expect(logs).to.include('Bitcoin Knots version');
    expect(logs).not.to.include('default credentials');
    expect(logs).not.to.include('secret');
  });

  it('runs bitcoind as the first process, without a password on its command line', async () => {
    const commandLine = await kubectl('exec', 'with-credentials', '--', 'cat', '/proc/1/cmdline');
    expect(commandLine).to.equal('/usr/local/bin/bitcoind\0-conf=/run/bitcoin/bitcoin.conf\0');
  });

  it('lets only its user read the configuration', async () => {
    expect(await kubectl('exec', 'with-credentials', '--', 'stat', '-c', '%a %u', '/run/bitcoin/bitcoin.conf')).to.equal(
      '600 10001\n',
    );
  });

  it('lets pods reach each other by pod address and by service address', async () => {
    const address = await kubectl('get', 'pod', 'with-credentials', '--output=jsonpath={.status.podIP}');
    const service = await kubectl('get', 'service', 'with-credentials', '--output=jsonpath={.spec.clusterIP}');
    const ask = (host: string): Promise<string> =>
      kubectl(
        'exec',
        'with-defaults',
        '--',
        'bitcoin-cli',
        '-regtest',
        `-rpcconnect=${host}`,
        '-rpcuser=alice',
        "-rpcpassword=it's=a $(secret)",
        'getblockcount',
      );
    expect(await ask(address)).to.equal('0\n');
    expect(await ask(service)).to.equal('0\n');
  });

  it('shuts bitcoind down cleanly on SIGTERM', async () => {
    await start('short-lived', {});
    await kubectl('wait', '--for=condition=Ready', 'pod/short-lived', '--timeout=60s');
    await kubectl('exec', 'short-lived', '--', 'sh', '-c', 'kill -TERM 1');
    await kubectl('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/short-lived', '--timeout=60s');
    expect(await kubectl('logs', 'short-lived')).to.match(/Shutdown done|Shutdown: done/);
  });
});
