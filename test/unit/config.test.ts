import { expect } from 'chai';
import { type Config, readConfig, UsageError, usage } from '../../src/config.ts';

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
      recheckSeconds: 120,
    });
    expect(config([]).namespace).to.deep.equal([]);
  });

  it('takes namespaces repeated, comma-separated and from the environment', () => {
    expect(config(['--namespace', 'a', '--namespace', 'b,c,a']).namespace).to.deep.equal(['a', 'b', 'c']);
    expect(config([], { BITCOIN_CONTROLLER_NAMESPACE: 'a,b' }).namespace).to.deep.equal(['a', 'b']);
  });

  it('lets the command line win over the environment', () => {
    const environment = { BITCOIN_CONTROLLER_LOG_LEVEL: 'error', BITCOIN_CONTROLLER_CONCURRENCY: '7' };
    expect(config(['--log-level', 'debug'], environment)).to.include({ logLevel: 'debug', concurrency: 7 });
  });

  it('knows who it is: the pod in a cluster, else the machine and a name of its own', () => {
    expect(config([], { POD_NAME: 'pod-1', POD_NAMESPACE: 'ns' })).to.include({ identity: 'pod-1', podNamespace: 'ns' });
    expect(config([], { POD_NAME: '', POD_NAMESPACE: '' }).podNamespace).to.equal(undefined);
    // In containers on one host, host name and process id are the same.
    expect(config([]).identity).to.match(/^host_[0-9a-f-]{36}$/);
    expect(config([]).identity).not.to.equal(config([]).identity);
  });

  it('cannot be changed afterwards', () => {
    expect(config([])).to.be.frozen;
  });

  for (const [what, argv] of [
    ['log-level', ['--log-level', 'loud']],
    ['concurrency', ['--concurrency', '0']],
    ['concurrency', ['--concurrency', 'many']],
    ['namespace', ['--namespace', 'Not_a_namespace']],
    ['health-address', ['--health-address', 'nowhere']],
    ['leader-elect', ['--leader-elect', 'perhaps']],
    ['events-api', ['--events-api', 'v2']],
    ['no-such-option', ['--no-such-option']],
    ['stray', ['stray']],
  ] as const)
    it(`refuses ${argv.join(' ')}, naming it`, () => {
      expect(() => config(argv)).to.throw(UsageError, what);
    });

  it('explains every option in --help, and exits from nothing itself', () => {
    expect(readConfig(['--help'], 'host', {})).to.equal('help');
    expect(readConfig(['--version'], 'host', {})).to.equal('version');
    for (const name of ['kubeconfig', 'namespace', 'bitcoind-image', 'leader-elect', 'log-level'])
      expect(usage()).to.contain(`--${name} `);
  });
});
