// The two images as they were built: each runs as an unprivileged user on a read-only root, and bitcoind's start script uses the credentials of
// its environment or reports why it refuses them.
import { expect } from 'chai';
import { buildImages, type BuiltImage } from '../../tools/images.ts';
import { type Container, UnpackedImage } from '../support/processes/image-container.ts';
import { eventually } from '../support/until.ts';

const bitcoinCli = ['/usr/local/bin/bitcoin-cli', '-regtest', '-conf=/bitcoin.conf'];
const password = 'a-password-to-look-for';
let images: readonly BuiltImage[] = [];

async function unpack(kind: BuiltImage['kind']): Promise<UnpackedImage> {
  const image = images.find(one => one.kind === kind);
  if (image === undefined) throw new Error(`no image ${kind} was built`);
  return await UnpackedImage.unpack(image.archive);
}

before(async function () {
  this.timeout(0);
  images = await buildImages();
});

describe('the bitcoind image', function () {
  let image: UnpackedImage;
  let container: Container | undefined;
  const start = (environment: Record<string, string>, ...args: string[]): Container =>
    (container = image.start([...image.config.Entrypoint, ...args], environment, ['/bitcoin', '/run/bitcoin']));
  const answer = async (running: Container, ...args: string[]): Promise<string> => {
    await eventually(async () => (await running.exec('/bin/ls', '-L', '/bitcoin.conf').catch(() => '')) !== '');
    return (await running.exec(...bitcoinCli, '-rpcwait', '-rpcwaittimeout=60', ...args)).trim();
  };

  before(async () => {
    image = await unpack('bitcoind');
  });
  afterEach(async () => {
    await container?.kill();
    container = undefined;
  });
  after(async () => {
    await image.remove();
  });

  it('names its user by number, and itself by a label', () => {
    expect(image.config.User).to.equal('10001:10001');
    expect(image.config.Labels['org.opencontainers.image.title']).to.equal('bitcoin-controller-bitcoind');
  });

  it('runs bitcoind with the credentials of the environment, which bitcoin-cli in the container uses too', async () => {
    const running = start({ BC_RPC_USER: 'alice', BC_RPC_PASSWORD: `${password}\n` });
    expect(await answer(running, 'getblockcount')).to.equal('0');
    const configuration = await running.exec('/bin/cat', '/bitcoin.conf');
    expect(configuration)
      .to.match(/^rpcuser=alice$/m)
      .and.include(`\nrpcpassword=${password}\n`);
    expect((await running.exec('/usr/bin/stat', '-Lc', '%a %u', '/bitcoin.conf')).trim()).to.equal('600 10001');
  });

  it('shows the password neither on a command line, nor in the environment of bitcoind, nor in its log', async () => {
    const running = start({ BC_RPC_USER: 'alice', BC_RPC_PASSWORD: password });
    await answer(running, 'getblockcount');
    expect(await running.commandLine()).to.deep.equal(['/usr/local/bin/bitcoind', '-conf=/run/bitcoin/bitcoin.conf']);
    expect(await running.exec('/bin/cat', '/proc/1/environ')).not.to.include(password);
    expect(running.output).to.include('init message').and.not.to.include(password);
  });

  it('runs with the default credentials when none are given, and logs it', async () => {
    const running = start({});
    expect(await answer(running, '-rpcuser=user', '-rpcpassword=password', 'getblockcount')).to.equal('0');
    expect(running.output).to.match(/BC_RPC_USER and BC_RPC_PASSWORD are not set: .*default credentials/);
  });

  it('gets peers by RPC alone, and passes arguments on to bitcoind', async () => {
    const running = start({}, '-uacomment=handed-on');
    expect(await answer(running, 'getnetworkinfo')).to.include('handed-on');
    expect(JSON.parse(await answer(running, 'getpeerinfo'))).to.deep.equal([]);
    await running.exec(...bitcoinCli, 'addnode', '127.0.0.1:18444', 'add');
    expect(JSON.parse(await answer(running, 'getaddednodeinfo'))).to.have.length(1);
  });

  it('shuts down cleanly on SIGTERM, although it is process 1', async () => {
    const running = start({});
    await answer(running, 'getblockcount');
    await running.signal('SIGTERM');
    expect(await running.exited).to.equal(0);
    expect(running.output).to.match(/Shutdown:? done/);
  });

  const refusals: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ['a user without a password', { BC_RPC_USER: 'alice' }, /BC_RPC_PASSWORD is not set/],
    ['a password without a user', { BC_RPC_PASSWORD: password }, /BC_RPC_USER is not set/],
    [
      'a Secret that gave nothing',
      { BC_RPC_SECRET: 'mine' },
      /the Secret mine does not exist or lacks BC_RPC_USER and BC_RPC_PASSWORD/,
    ],
    [
      'a Secret without a key',
      { BC_RPC_SECRET: 'mine', BC_RPC_USER: 'alice' },
      /the Secret mine does not exist or lacks BC_RPC_PASSWORD/,
    ],
    ['an empty user', { BC_RPC_USER: '', BC_RPC_PASSWORD: password }, /BC_RPC_USER is empty/],
    ['an empty password', { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: '\n' }, /BC_RPC_PASSWORD is empty/],
    [
      'a line break in a password',
      { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: `${password}\nserver=0` },
      /BC_RPC_PASSWORD has a line break/,
    ],
    [
      'two line breaks at the end',
      { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: `${password}\n\n` },
      /BC_RPC_PASSWORD has a line break/,
    ],
    ['a # in a password', { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: `${password}#` }, /BC_RPC_PASSWORD has a #/],
    ['a blank before a user', { BC_RPC_USER: ' alice', BC_RPC_PASSWORD: password }, /BC_RPC_USER begins or ends with a blank/],
    [
      'a blank after a password',
      { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: `${password} ` },
      /BC_RPC_PASSWORD begins or ends with a blank/,
    ],
    ['a : in a user', { BC_RPC_USER: 'al:ice', BC_RPC_PASSWORD: password }, /BC_RPC_USER has a :/],
  ];
  for (const [what, environment, message] of refusals) {
    it(`refuses ${what}, naming the variable and never its value`, async () => {
      const refusing = start(environment);
      expect(await refusing.exited).to.equal(1);
      expect(refusing.output).to.match(message).and.not.to.include(password);
    });
  }
});

describe('the controller image', function () {
  let image: UnpackedImage;

  before(async () => {
    image = await unpack('controller');
  });
  after(async () => {
    await image.remove();
  });

  it('names its user by number, and itself by a label', () => {
    expect(image.config.User).to.equal('10001:10001');
    expect(image.config.Labels['org.opencontainers.image.title']).to.equal('bitcoin-controller');
  });

  it('starts without a writable folder', async () => {
    const container = image.start([...image.config.Entrypoint, '--help'], {});
    expect(await container.exited, container.output).to.equal(0);
    expect(container.output).to.include('--kubeconfig');
  });

  it('contains no package manager of Node.js', async () => {
    const container = image.start(['/bin/sh', '-c', 'command -v npm npx corepack yarn'], {});
    expect(await container.exited, container.output).to.equal(127);
    expect(container.output).to.equal('');
  });
});
