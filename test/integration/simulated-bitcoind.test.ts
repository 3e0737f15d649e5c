// The simulated bitcoind answers like a real one where the controller relies on it (codes and framing of bitcoind).
import { expect } from 'chai';
import { SimulatedBitcoind } from '../support/fakes/simulated-bitcoind.ts';

describe('SimulatedBitcoind', () => {
  let bitcoind: SimulatedBitcoind;

  beforeEach(async () => {
    bitcoind = await SimulatedBitcoind.start({ user: 'alice', password: 'pass', port: 0 });
  });
  afterEach(() => bitcoind.stop());

  const post = async (address: string, body: object, password = 'pass'): Promise<Response> =>
    await fetch(`http://${address}:${bitcoind.port}/`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`alice:${password}`)}` },
      body: JSON.stringify(body),
    });
  const call = async (address: string, ...calls: { method: string; params?: unknown[] }[]): Promise<unknown> =>
    await (
      await post(
        address,
        calls.map((one, id) => ({ jsonrpc: '2.0', id, ...one })),
      )
    ).json();

  it('is another node at each address', async () => {
    await call('127.0.0.1', { method: 'addnode', params: ['10.0.0.1:18444', 'add'] });
    await call('127.0.0.2', { method: 'getnetworkinfo' });
    expect([...bitcoind.node('127.0.0.1').added]).to.deep.equal(['10.0.0.1:18444']);
    expect([...bitcoind.node('127.0.0.2').added]).to.deep.equal([]);
  });

  it("adds, tries and lists peers, with bitcoind's error codes for what is already so", async () => {
    const peer = '10.0.0.1:18444';
    const answer = await call(
      '127.0.0.1',
      { method: 'addnode', params: [peer, 'add'] },
      { method: 'addnode', params: [peer, 'add'] },
      { method: 'addnode', params: [peer, 'onetry'] },
      { method: 'getaddednodeinfo' },
      { method: 'addnode', params: ['10.0.0.2:18444', 'remove'] },
      { method: 'disconnectnode', params: ['10.0.0.2:18444'] },
    );
    const [add, again, , list, remove, disconnect] = answer as { result?: unknown; error?: { code: number } }[];
    expect(add?.result).to.equal(null);
    expect([again, remove, disconnect].map(one => one?.error?.code)).to.deep.equal([-23, -24, -29]);
    expect(list?.result).to.deep.equal([
      { addednode: peer, connected: true, addresses: [{ address: peer, connected: 'outbound' }] },
    ]);
  });

  it('refuses a wrong password with 401 and an empty body', async () => {
    const response = await post('127.0.0.1', [], 'wrong');
    expect([response.status, await response.text()]).to.deep.equal([401, '']);
  });

  it('shows the faults that a test gives to a node', async () => {
    const node = bitcoind.node('127.0.0.1');
    node.fault = 'unavailable';
    expect((await post('127.0.0.1', [])).status).to.equal(503);
    node.fault = 'warmup';
    expect(await call('127.0.0.1', { method: 'getnetworkinfo' })).to.have.nested.property('[0].error.code', -28);
    node.fault = 'huge';
    expect(await (await post('127.0.0.1', [])).text()).to.have.length.above(10_000_000);
    node.fault = 'garbage';
    expect(await (await post('127.0.0.1', [])).text()).to.include('<html>');
  });
});
