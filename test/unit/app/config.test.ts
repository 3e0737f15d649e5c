import { expect } from 'chai';
import { type Config, readConfig, UsageError, usage } from '../../../src/app/config.ts';

function config(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): Config {
  const result = readConfig(argv, 'host', environment);
  if (typeof result === 'string') throw new Error(result);
  return result;
}

describe('readConfig', () => {
  it('has a default for every option', () => {
    expect(config([])).to.include({
      logLevel: 'info',
      eventsApi: 'core',
      leaderElect: false,
      healthAddress: 'off',
      logLevelAddress: 'off',
      recheckSeconds: 120,
    });
    expect(config([]).namespace).to.deep.equal([]);
  });

  it('accepts namespaces repeated, comma-separated and from the environment', () => {
    expect(config(['--namespace', 'a', '--namespace', 'b,c,a']).namespace).to.deep.equal(['a', 'b', 'c']);
    expect(config([], { BITCOIN_CONTROLLER_NAMESPACE: 'a,b' }).namespace).to.deep.equal(['a', 'b']);
  });

  it('prefers the command line to the environment', () => {
    const environment = { BITCOIN_CONTROLLER_LOG_LEVEL: 'error', BITCOIN_CONTROLLER_CONCURRENCY: '7' };
    expect(config(['--log-level', 'debug'], environment)).to.include({ logLevel: 'debug', concurrency: 7 });
  });

  it('uses as identity the name of the pod, or outside a cluster the host name and a random suffix', () => {
    expect(config([], { POD_NAME: 'pod-1', POD_NAMESPACE: 'ns' })).to.include({ identity: 'pod-1', podNamespace: 'ns' });
    expect(config([], { POD_NAME: '', POD_NAMESPACE: '' }).podNamespace).to.equal(undefined);
    // In containers on one host, host name and process id are the same.
    expect(config([]).identity).to.match(/^host_[0-9a-f-]{36}$/);
    expect(config([]).identity).not.to.equal(config([]).identity);
  });

  it('is frozen', () => {
    expect(config([])).to.be.frozen;
  });

  for (const [argv, message] of [
    [['--log-level', 'loud'], '--log-level loud: must be one of debug, info, warn, error'],
    [['--events-api', 'v2'], '--events-api v2: must be one of core, events'],
    [['--leader-elect', 'perhaps'], '--leader-elect perhaps: must be true or false'],
    [['--concurrency', '0'], '--concurrency 0: must be a whole number from 1 to 10000'],
    [['--concurrency', '10001'], '--concurrency 10001: must be a whole number from 1 to 10000'],
    [['--concurrency', 'many'], '--concurrency many: must be a whole number from 1 to 10000'],
    [['--concurrency='], "--concurrency '': must be a whole number from 1 to 10000"],
    [['--bitcoind-image', ''], "--bitcoind-image '': must be the name of an image"],
    [['--namespace', 'Not_one'], '--namespace Not_one: must be a namespace: at most 63 lower-case letters, digits and "-"'],
    ...['nowhere', ':99999', ':65536', 'host:', ''].map(address => [
      ['--health-address', address],
      `--health-address ${address || "''"}: must be ADDRESS:PORT or :PORT, with a port up to 65535, or off`,
    ]),
    [['--no-such-option'], "Unknown option '--no-such-option'. See --help"],
    [['--concurrency'], "Option '--concurrency <value>' argument missing. See --help"],
    [['--concurrency', '--leader-elect'], "Option '--concurrency' argument is ambiguous. See --help"],
    [['stray'], "Unexpected argument 'stray'. See --help"],
  ] as [string[], string][])
    it(`refuses ${argv.join(' ')}, and names what is expected`, () => {
      expect(() => config(argv))
        .to.throw(UsageError)
        .with.property('message', message);
    });

  it('names the environment variable of a refused value, unless it came from the command line', () => {
    const environment = { BITCOIN_CONTROLLER_CONCURRENCY: '0' };
    const refused = 'BITCOIN_CONTROLLER_CONCURRENCY=0: must be a whole number from 1 to 10000';
    expect(() => config([], environment))
      .to.throw(UsageError)
      .with.property('message', refused);
    expect(() => config(['--concurrency', 'x'], environment)).to.throw(UsageError, '--concurrency x: ');
    expect(config([], { BITCOIN_CONTROLLER_CONCURRENCY: '' }).concurrency).to.equal(100);
  });

  it('does not take an empty namespace for all namespaces', () => {
    for (const argv of [['--namespace', ''], ['--namespace=a,'], ['--namespace=,'], ['--namespace=a', '--namespace=']])
      expect(() => config(argv)).to.throw(UsageError, '--namespace ');
    expect(() => config([], { BITCOIN_CONTROLLER_NAMESPACE: ',' })).to.throw(UsageError, 'BITCOIN_CONTROLLER_NAMESPACE=,: ');
  });

  it('accepts every form of an address', () => {
    for (const address of ['off', '0', ':0', ':65535', '127.0.0.1:80', 'host.example:8080', '[::1]:8080'])
      expect(config(['--health-address', address]).healthAddress).to.equal(address);
  });

  it('accepts only a loopback address for the log level', () => {
    for (const address of ['off', '127.0.0.1:0', '[::1]:8081', 'localhost:1'])
      expect(config(['--log-level-address', address]).logLevelAddress).to.equal(address);
    for (const address of [':8081', '0.0.0.0:8081', '10.0.0.1:1', '127.0.0.1.example:1', '[::]:1'])
      expect(() => config(['--log-level-address', address])).to.throw(UsageError, `--log-level-address ${address}: must be `);
  });

  it('documents every option in --help', () => {
    expect(readConfig(['--help'], 'host', {})).to.equal('help');
    expect(readConfig(['--version'], 'host', {})).to.equal('version');
    for (const name of ['kubeconfig', 'namespace', 'bitcoind-image', 'leader-elect', 'log-level'])
      expect(usage()).to.contain(`--${name} `);
  });
});
