// The start script and the configuration of a network's ConfigMap, with a real bitcoind in a pod's surroundings. Nothing here has a network:
// what a node of a public chain does without one is all that is seen.
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { bitcoindArguments } from '../../src/bitcoin/resources/bitcoind-arguments.ts';
import { chainParametersOf } from '../../src/bitcoin/resources/chain-parameters.ts';
import { configMapFor } from '../../src/bitcoin/resources/config-map.ts';
import type { BitcoinNetworkSpec } from '../../src/bitcoin/api/bitcoin-network.ts';
import { defaultSetOf, network } from '../support/builders.ts';
import { ImageSandbox, type SandboxOptions } from '../support/processes/image-sandbox.ts';

const credentials = { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: 'hidden-word' };
const usualImage = { folder: '/usr/local/bin', path: '/usr/local/bin:/usr/bin:/bin' };

describe('a node that starts from the ConfigMap', function () {
  this.timeout(120_000);
  let sandbox: ImageSandbox | undefined;
  afterEach(async () => {
    await sandbox?.stop();
    sandbox = undefined;
  });

  async function start(spec: Partial<BitcoinNetworkSpec>, image: Partial<SandboxOptions> = {}): Promise<ImageSandbox> {
    const declared = network({ chain: 'regtest', ...spec });
    const data = configMapFor(declared)?.data ?? {};
    const args = bitcoindArguments(declared.spec, defaultSetOf(declared), 0);
    const { isClosed } = chainParametersOf(declared.spec);
    const environment = { ...credentials, ...(isClosed ? { BC_POD_NAME: 'alice-sts-0' } : {}) };
    sandbox = await ImageSandbox.start({ data, args, environment, ...usualImage, ...image });
    return sandbox;
  }

  async function call(node: ImageSandbox, port: number, method: string, ...params: readonly unknown[]): Promise<unknown> {
    const body = { jsonrpc: '2.0', id: 1, method, params };
    const answer = await node.request(port, '/', { body, authorization: 'alice:hidden-word' });
    expect(answer).to.deep.include({ status: 200 });
    return (answer.body as { readonly result: unknown }).result;
  }

  for (const [what, spec, chain] of [
    ['regtest', { chain: 'regtest' }, 'regtest'],
    ['a signet of its own', { chain: 'signet', signet: { challenge: '51' } }, 'signet'],
    ['the public signet', { chain: 'signet' }, 'signet'],
    ['testnet4', { chain: 'testnet4' }, 'testnet4'],
    ['main', { chain: 'main' }, 'main'],
    ['main without peer discovery', { chain: 'main', peerDiscovery: 'Disabled' }, 'main'],
  ] as const)
    it(`is ready on ${what}: its ports are open, RPC takes the credentials, and it has no peers`, async () => {
      const { rpcPort, p2pPort, isClosed } = chainParametersOf(spec);
      const node = await start(spec);
      await node.ready(rpcPort);
      expect(await node.openPorts()).to.deep.equal([rpcPort, p2pPort]);
      expect(await call(node, rpcPort, 'getblockchaininfo')).to.deep.include({
        chain: chain.replace('regtest', 'regtest'),
        blocks: 0,
      });
      const { subversion, connections } = (await call(node, rpcPort, 'getnetworkinfo')) as Record<string, unknown>;
      expect(connections).to.equal(0);
      expect(String(subversion).includes('(alice-sts-0)'), String(subversion)).to.equal(isClosed);
      expect(await node.request(rpcPort, '/', { body: {}, authorization: 'user:password' })).to.deep.include({ status: 401 });
    });

  it('is ready in the image of the controller, which has the same script and the configuration of regtest', async () => {
    const image = path.resolve(import.meta.dirname, '../../images/bitcoind');
    const [script, conf] = await Promise.all(['start.sh', 'bitcoin.conf'].map(name => readFile(path.join(image, name), 'utf8')));
    const node = await start({}, { data: { 'start.sh': script ?? '', 'bitcoin.conf': conf ?? '' }, environment: credentials });
    await node.ready(18443);
    expect(await call(node, 18443, 'getblockchaininfo')).to.deep.include({ chain: 'regtest' });
  });

  it('makes blocks on a signet whose challenge needs no signature', async () => {
    const node = await start({ chain: 'signet', signet: { challenge: '51' } });
    await node.ready(38332);
    const descriptor = 'raw(51)#8lvh9jxk';
    expect(await call(node, 38332, 'generatetodescriptor', 1, descriptor, 2 ** 31 - 1)).to.have.length(1);
  });

  it('takes the lines of bitcoinConf, and publishes ZMQ', async () => {
    const node = await start({ bitcoinConf: ['debug=net', 'txindex=1'], zmq: { topics: ['rawblock', 'rawtx'], port: 3000 } });
    await node.ready(18443);
    expect(await node.openPorts()).to.deep.equal([3000, 18443, 18444]);
    expect(await call(node, 18443, 'getindexinfo')).to.have.property('txindex');
    expect(await call(node, 18443, 'getzmqnotifications')).to.have.length(2);
    expect(await call(node, 18443, 'logging')).to.include({ net: true, mempool: false });
  });

  for (const [what, image] of [
    ['busybox for a shell', { shell: 'busybox' }],
    ['bitcoind on its PATH', { folder: '/srv/bitcoin/bin', path: '/bin:/srv/bitcoin/bin' }],
    ['bitcoind in a folder named after the version', { folder: '/opt/bitcoin-31.0/bin', path: '/bin' }],
    ['an empty PATH', { folder: '/usr/local/bin', path: '' }],
  ] as const)
    it(`is ready in an image with ${what}`, async () => {
      const node = await start({}, image);
      await node.ready(18443);
    });

  for (const shell of ['dash', 'busybox'] as const)
    for (const [what, addresses] of [
      ['IPv6 alone', ['fd00::7/64']],
      ['IPv6 and a link-local IPv4 address', ['169.254.172.7/22', 'fd00::7/64']],
      ['IPv4 alone', ['192.0.2.7/24']],
      ['IPv4 and IPv6', ['192.0.2.7/24', 'fd00::7/64']],
    ] as const)
      it(`answers RPC at each address of a pod with ${what}, and at 127.0.0.1, with ${shell} for a shell`, async () => {
        const node = await start({}, { addresses, shell });
        await node.ready(18443);
        for (const address of addresses) {
          const [ip = ''] = address.split('/');
          const host = ip.includes(':') ? `[${ip}]` : ip;
          const answer = await node.request(18443, '/rest/chaininfo.json', { host });
          expect(answer, host).to.deep.include({ status: 200 });
        }
      });

  it('is named in no argument and no message by its password, and its configuration is for its user alone', async () => {
    const node = await start({});
    await node.ready(18443);
    const pid = await node.pid();
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.to.include('hidden-word');
    expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.to.include('hidden-word');
    expect(node.output).not.to.include('hidden-word');
    const file = await stat(`/proc/${pid}/root/run/bitcoin/bitcoin.conf`);
    expect([file.uid, file.mode & 0o777]).to.deep.equal([12_345, 0o600]);
  });

  it('ends with the message of bitcoind for an option that bitcoind does not have', async () => {
    const node = await start({ bitcoinConf: ['suchoption=1'] });
    expect(await node.exitCode()).to.equal(1);
    expect(node.output).to.match(/Invalid parameter -suchoption=1/);
  });

  it('says so if the image has no bitcoind', async () => {
    const node = await start({}, { folder: undefined });
    expect(await node.exitCode()).to.equal(1);
    expect(node.output).to.match(/bitcoind is not started: the image has no bitcoind in .*\/usr\/local\/bin/);
  });
});
