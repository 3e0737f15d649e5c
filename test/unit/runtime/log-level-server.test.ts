import http from 'node:http';
import { expect } from 'chai';
import { createLogger } from '../../../src/logging/winston-logger.ts';
import { LogLevelServer } from '../../../src/runtime/log-level-server.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';
import { thrownBy } from '../../support/fakes/fake-api-server.ts';

describe('LogLevelServer', () => {
  let port: number;
  let server: LogLevelServer;
  const log = createLogger({ level: 'info', format: 'json' });
  const newServer = (): LogLevelServer =>
    new LogLevelServer({ logger: new RecordingLogger(), get: () => log.level, set: level => log.setLevel(level) });
  beforeEach(async () => {
    server = newServer();
    ({ port } = await server.listen(0));
    log.setLevel('info');
  });
  afterEach(() => server.close());

  const ask = async (path: string, init: RequestInit = {}): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers: { connection: 'close' } });
    return `${response.status} ${await response.text()}`;
  };
  const statusWithHost = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', path: '/loglevel', method: 'PUT', headers: { host }, agent: false };
      http
        .request(options, response => {
          resolve(response.statusCode);
          response.resume();
        })
        .on('error', reject)
        .end('debug');
    });

  it('reads and sets the log level at run time, and refuses an unknown one', async () => {
    expect(await ask('/loglevel')).to.equal('200 info\n');
    expect(await ask('/loglevel', { method: 'PUT', body: 'debug\n' })).to.equal('200 debug\n');
    expect(log.level).to.equal('debug');
    expect(await ask('/loglevel', { method: 'PUT', body: 'loud' })).to.equal(
      '400 the log level is one of error, warn, info, debug\n',
    );
    expect(await ask('/loglevel', { method: 'PUT', body: 'x'.repeat(100_000) })).to.match(/^400 /);
    expect(log.level).to.equal('debug');
  });

  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.example:8081'])
    it(`refuses the Host ${host}, which a page in a browser would send`, async () => {
      expect(await statusWithHost(host)).to.equal(403);
      expect(log.level).to.equal('info');
    });

  for (const host of ['localhost:8081', '127.0.0.1', '[::1]:8081', '10.0.0.7:8081'])
    it(`accepts the Host ${host}`, async () => {
      expect(await statusWithHost(host)).to.equal(200);
      expect(log.level).to.equal('debug');
    });

  for (const host of ['0.0.0.0', '::', '10.0.0.1'])
    it(`does not listen on ${host}`, async () => {
      expect(await thrownBy(newServer().listen(0, host))).to.be.instanceOf(RangeError);
    });

  it('serves nothing else', async () => {
    expect(await ask('/metrics')).to.equal('404 there is /loglevel\n');
    expect(await ask('/loglevel', { method: 'POST' })).to.equal('405 only GET, HEAD, PUT\n');
  });
});
