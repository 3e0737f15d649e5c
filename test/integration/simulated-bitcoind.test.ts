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

  const dial = (from: string, to: string) => call(from, { method: 'addnode', params: [to, 'onetry'] });
  const peersOf = async (address: string): Promise<{ id: number; addr: string; inbound: boolean; subver: string }[]> => {
    const [answer] = (await call(address, { method: 'getpeerinfo' })) as { result: [] }[];
    return answer?.result ?? [];
  };
  const shownAt = async (address: string) => (await peersOf(address)).map(({ addr, inbound, subver }) => [addr, inbound, subver]);

  it('opens one connection a dial, which both ends list, and which either end closes', async () => {
    bitcoind.node('127.0.0.1').uacomment = 'one';
    await dial('127.0.0.1', '127.0.0.2');
    await dial('127.0.0.1', '127.0.0.2:18444');
    expect(await shownAt('127.0.0.1')).to.deep.equal([['127.0.0.2', false, '/Simulated:1.0/']]);
    const [peer, ...others] = await peersOf('127.0.0.2');
    expect([peer?.addr.split(':')[0], peer?.inbound, peer?.subver]).to.deep.equal(['127.0.0.1', true, '/Simulated:1.0(one)/']);
    expect(others).to.deep.equal([]);
    await dial('127.0.0.2', '127.0.0.1');
    expect(await peersOf('127.0.0.2')).to.have.length(2);
    await call('127.0.0.2', { method: 'disconnectnode', params: ['', peer?.id] });
    expect(await shownAt('127.0.0.2')).to.deep.equal([['127.0.0.1', false, '/Simulated:1.0(one)/']]);
    await call('127.0.0.2', { method: 'disconnectnode', params: ['127.0.0.1'] });
    expect([await peersOf('127.0.0.1'), await peersOf('127.0.0.2')]).to.deep.equal([[], []]);
  });

  it('dials without listing, and loses its connections and its list with a restart', async () => {
    await dial('127.0.0.1', '127.0.0.2');
    await call('127.0.0.1', { method: 'addnode', params: ['127.0.0.3', 'add'] });
    expect([...bitcoind.node('127.0.0.1').added]).to.deep.equal(['127.0.0.3']);
    bitcoind.restart('127.0.0.1');
    expect([await peersOf('127.0.0.1'), await peersOf('127.0.0.2')]).to.deep.equal([[], []]);
    expect([...bitcoind.node('127.0.0.1').added]).to.deep.equal([]);
  });

  it('shows an inbound peer under another address where that is hidden', async () => {
    bitcoind.node('127.0.0.1').seenAs = '172.16.0.1';
    await dial('127.0.0.1', '127.0.0.2');
    expect((await peersOf('127.0.0.2'))[0]?.addr).to.match(/^172\.16\.0\.1:\d+$/);
  });

  it('accepts 114 connections, or 11 less than its maxconnections', async () => {
    const dialAll = async () => {
      for (let index = 1; index <= 120; index += 1) await dial(`127.0.1.${index}`, '127.0.0.1');
    };
    await dialAll();
    expect(await peersOf('127.0.0.1')).to.have.length(114);
    bitcoind.node('127.0.0.1').maxConnections = 131;
    await dialAll();
    expect(await peersOf('127.0.0.1')).to.have.length(120);
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
