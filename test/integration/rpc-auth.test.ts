// Nodes with hashes of the credentials (spec.rpcAuth), with real bitcoinds in a pod's surroundings: what they take, what they refuse, and that
// they have no password.
import { createHmac } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { expect } from 'chai';
import { configMapFor } from '../../src/bitcoin/resources/config-map.ts';
import { parseRpcAuth } from '../../src/bitcoin/rpc/rpc-auth.ts';
import { neededMethods } from '../../src/bitcoin/rpc/needed-methods.ts';
import { network } from '../support/builders.ts';
import { ImageSandbox, type SandboxOptions } from '../support/processes/image-sandbox.ts';

const lineOf = (user: string, password: string, salt = '5b1c7a0e93d2'): string =>
  `rpcauth=${user}:${salt}$${createHmac('sha256', salt).update(password).digest('hex')}`;
const rpcPort = 18443;

describe('a node with hashes of the credentials', function () {
  this.timeout(120_000);
  let node: ImageSandbox | undefined;
  afterEach(async () => {
    await node?.stop();
    node = undefined;
  });

  async function start(rpcAuth: string | undefined, image: Partial<SandboxOptions> = {}): Promise<ImageSandbox> {
    const declared = network({ secret: 'rpc', rpcAuth: { secretName: 'hashes' } });
    const data = configMapFor(declared)?.data ?? {};
    // As the volume of the pods has them.
    const files = { 'bitcoin.conf': data['bitcoin.conf'] ?? '', 'start.sh': data['rpcauth.sh'] ?? '' };
    const environment = { BC_POD_NAME: 'alice-sts-0' };
    const usual = { folder: '/usr/local/bin', path: '/usr/local/bin:/usr/bin:/bin' };
    node = await ImageSandbox.start({
      ...{ data: files, environment, ...usual, ...image },
      ...(rpcAuth === undefined ? {} : { rpcAuth }),
    });
    return node;
  }

  const statusOf = async (method: string, authorization: string): Promise<number | undefined> =>
    (await node?.request(rpcPort, '/', { body: { jsonrpc: '2.0', id: 1, method }, authorization }))?.status;

  for (const shell of ['dash', 'busybox'] as const)
    it(`takes both passwords of a user with two lines, and no other one, with ${shell} for a shell`, async () => {
      const started = await start(`# rotating\r\n${lineOf('alice', 'old-word')}\r\n\n${lineOf('alice', 'new-word', 'other')}`, {
        shell,
      });
      await started.ready(rpcPort);
      for (const password of ['old-word', 'new-word']) expect(await statusOf('uptime', `alice:${password}`)).to.equal(200);
      for (const other of ['alice:word', 'bob:old-word', 'user:password', ':'])
        expect(await statusOf('uptime', other)).to.equal(401);
    });

  for (const addresses of [['fd00::7/64'], ['192.0.2.7/24', 'fd00::7/64']] as const)
    it(`answers RPC at the IPv6 address of a pod with ${addresses.join(' and ')}`, async () => {
      const started = await start(lineOf('alice', 'word'), { addresses });
      await started.ready(rpcPort);
      const request = { host: '[fd00::7]', body: { method: 'uptime', id: 1 }, authorization: 'alice:word' };
      expect(await started.request(rpcPort, '/', request)).to.deep.include({ status: 200 });
    });

  it('has no password in its files, its arguments and its environment, and is asked by a cookie from within the pod', async () => {
    const started = await start(lineOf('alice', 'hidden-word'));
    await started.ready(rpcPort);
    const pid = await started.pid();
    const texts = await Promise.all(
      ['cmdline', 'environ', 'root/run/bitcoin/bitcoin.conf'].map(file => readFile(`/proc/${pid}/${file}`, 'utf8')),
    );
    expect(texts.join() + started.output).not.to.match(/hidden-word|rpcpassword/);
    const { uid, mode } = await stat(`/proc/${pid}/root/run/bitcoin/bitcoin.conf`);
    expect([uid, mode & 0o777]).to.deep.equal([12_345, 0o600]);
    const cookie = await readFile(`/proc/${pid}/root/bitcoin/regtest/.cookie`, 'utf8');
    expect(await statusOf('uptime', cookie)).to.equal(200);
  });

  it('lets the controller call what it needs with a whitelist of that, and nothing else', async () => {
    const needed = neededMethods({
      ...{ nodes: 1, storage: { size: '1Gi' }, blockProduction: { initialBlocks: 1 } },
      bootstrap: { network: { name: 'golden' } },
    });
    const started = await start(`${lineOf('alice', 'word')}\nrpcwhitelist=alice:${needed.join(',')}\n`);
    await started.ready(rpcPort);
    // With faulty arguments a call that is allowed has an answer too.
    for (const method of needed) expect(await statusOf(method, 'alice:word'), method).to.equal(200);
    expect(await statusOf('stop', 'alice:word')).to.equal(403);
  });

  const hash = createHmac('sha256', 'a').update('b').digest('hex');
  for (const [what, line] of [
    ['no salt', `rpcauth=alice:${hash}`],
    ['a colon in the user', `rpcauth=al:ice:salt$${hash}`],
    ['two hashes', `rpcauth=alice:salt$${hash}$${hash}`],
    ['a # in the user', `rpcauth=al#ice:salt$${hash}`],
    ['a command', 'startupnotify=true'],
    ['a password', 'rpcpassword=word'],
    ['a section', '[regtest]'],
    ['a line of blanks', '  '],
    ['an indented comment', '  # a comment'],
    ['a comment after a default', 'rpcwhitelistdefault=0 # a comment'],
    ['blanks after a default', 'rpcwhitelistdefault=0 '],
    ['no rpcauth.conf', undefined],
  ] as const)
    it(`does not start with ${what}, which the controller refuses as well`, async () => {
      const text = line === undefined ? undefined : `${lineOf('alice', 'hidden-word')}\n${line}\n`;
      const started = await start(text);
      expect(await started.exitCode()).to.equal(1);
      expect(started.output).not.to.include(hash);
      if (text !== undefined) expect(parseRpcAuth(text)).to.have.property('fault');
    });
});
