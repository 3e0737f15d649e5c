import { expect } from 'chai';
import { flush } from '../../../../src/bitcoin/rpc/flush.ts';
import type { RpcCall } from '../../../../src/bitcoin/rpc/rpc-client.ts';
import { BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';

const options = { timeoutMs: 1_000 };
const failing = (error: Error) => ({ batch: () => Promise.reject(error) });

describe('flush', () => {
  it('asks for the coins without a hash of them, before which bitcoind writes its caches to disk', async () => {
    const calls: RpcCall[] = [];
    const client = { batch: (batch: readonly RpcCall[]) => (calls.push(...batch), Promise.resolve([])) };
    expect(await flush(client, options)).to.equal(true);
    expect(calls).to.deep.equal([{ method: 'gettxoutsetinfo', params: ['none'] }]);
  });

  it('takes a node that is slow to answer for one that writes, and one that cannot be reached for one that does not', async () => {
    expect(await flush(failing(new BitcoinTransportError('timeout', 'no answer within 1000 ms')), options)).to.equal(true);
    expect(await flush(failing(new BitcoinTransportError('unreachable', 'no connection')), options)).to.equal(false);
  });

  it('throws what is no failure of the node', async () => {
    expect(await flush(failing(new Error('stopping')), options).catch(String)).to.equal('Error: stopping');
  });
});
