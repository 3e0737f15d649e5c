import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { expect } from 'chai';
import { type CheckResult, HealthServer } from '../../../src/runtime/health-server.ts';
import { Metrics } from '../../../src/metrics/prometheus.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

describe('HealthServer', () => {
  let wrong: CheckResult;
  let renders: number;
  let port: number;
  let server: HealthServer;
  const ask = async (path: string, init: RequestInit = {}): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers: { connection: 'close' } });
    return `${response.status} ${await response.text()}`;
  };

  beforeEach(async () => {
    wrong = undefined;
    renders = 0;
    const metrics = new Metrics({ version: '1.2.3' });
    server = new HealthServer({
      logger: new RecordingLogger(),
      metrics: { contentType: metrics.contentType, text: () => ((renders += 1), metrics.text()) },
      healthChecks: { lease: () => wrong },
      readyChecks: { caches: () => wrong, sink: () => undefined },
    });
    ({ port } = await server.listen(0, '127.0.0.1'));
  });
  afterEach(() => server.close());

  it('answers 200 while all checks pass, and names the one that fails', async () => {
    expect(await ask('/healthz')).to.equal('200 [+]lease ok\nok\n');
    expect(await ask('/readyz')).to.equal('200 [+]caches ok\n[+]sink ok\nok\n');
    wrong = 'not synced';
    expect(await ask('/readyz')).to.equal('503 [-]caches failed: not synced\n[+]sink ok\nfailed\n');
    expect(await ask('/healthz')).to.equal('503 [-]lease failed: not synced\nfailed\n');
    wrong = { warning: 'failing: pods in b' };
    expect(await ask('/readyz')).to.equal('200 [+]caches ok, failing: pods in b\n[+]sink ok\nok\n');
  });

  it('serves the metrics in the format of Prometheus', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(response.headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).to.include('bitcoin_controller_build_info{version="1.2.3"');
  });

  it('renders the metrics once a second, however often they are requested', async () => {
    const [first, second] = [await ask('/metrics'), await ask('/metrics')];
    expect(renders).to.equal(1);
    expect(second).to.equal(first);
  });

  it('closes connections beyond a hundred at once', async () => {
    const sockets = Array.from({ length: 101 }, () => net.connect(port, '127.0.0.1'));
    await Promise.any(sockets.map(socket => once(socket, 'close')));
    for (const socket of sockets) socket.destroy();
  });

  for (const path of ['/', '//', '/healthz/', '/http://[', '/%'])
    it(`answers 404 to ${path}, also with another method`, async () => {
      expect(await ask(path)).to.match(/^404 /);
      expect(await ask(path, { method: 'POST' })).to.match(/^404 /);
    });

  it('names the allowed methods of a path when it receives another', async () => {
    for (const [path, allowed] of [
      ['/healthz', 'GET, HEAD'],
      ['/metrics', 'GET, HEAD'],
    ]) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'DELETE' });
      expect([response.status, response.headers.get('allow')]).to.deep.equal([405, allowed]);
    }
  });

  it('answers HEAD like GET without a body, and ignores a query', async () => {
    for (const path of ['/healthz', '/readyz?verbose', '/metrics']) {
      expect(await ask(path, { method: 'HEAD' })).to.equal('200 ');
      expect(await ask(path)).to.match(/^200 ./);
    }
    wrong = 'not synced';
    expect(await ask('/readyz', { method: 'HEAD' })).to.equal('503 ');
  });

  it('closes at once, including kept-alive connections', async () => {
    const agent = new http.Agent({ keepAlive: true });
    await new Promise<void>(resolve =>
      http.get({ port, host: '127.0.0.1', path: '/healthz', agent }, response => response.resume().on('end', resolve)),
    );
    await server.close();
    agent.destroy();
  });
});
