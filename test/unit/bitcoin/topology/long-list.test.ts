import { expect } from 'chai';
import type { PeerLists } from '../../../../src/bitcoin/rpc/network.ts';
import type { RpcCall, RpcOutcome } from '../../../../src/bitcoin/rpc/rpc-client.ts';
import { BitcoinRpcError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import { shortenAddedNodes } from '../../../../src/bitcoin/topology/long-list.ts';
import { staleEntries } from '../../../../src/bitcoin/topology/peer-plan.ts';
import { node } from '../../../support/builders.ts';

const nodes = [node(0), node(1), node(2)];
const staleOf = (added: PeerLists['added']) => staleEntries(node(0), nodes, added);
const never = new AbortController().signal;

/** A bitcoind with a list of added nodes, as far as shortenAddedNodes asks it. */
class ListedNodes {
  readonly added: Set<string>;
  readonly disconnected: string[] = [];
  batches = 0;
  constructor(added: readonly string[]) {
    this.added = new Set(added);
  }

  beginningOf(_: RpcCall, { maxBytes }: { readonly maxBytes: number }): Promise<string> {
    const result = [...this.added].map(addednode => ({ addednode, connected: addednode.startsWith('up'), addresses: [] }));
    return Promise.resolve(JSON.stringify([{ jsonrpc: '2.0', result, id: 0 }]).slice(0, maxBytes));
  }

  batch(calls: readonly RpcCall[]): Promise<RpcOutcome[]> {
    this.batches += 1;
    expect(calls.length).to.be.at.most(2_000);
    return Promise.resolve(
      calls.map(({ method, params = [] }): RpcOutcome => {
        const [address = ''] = params as string[];
        if (method === 'disconnectnode') this.disconnected.push(address);
        else if (!this.added.delete(address)) return { error: new BitcoinRpcError(method, -24, 'not added') };
        return { result: null };
      }),
    );
  }
}

describe('shortenAddedNodes', function () {
  this.timeout(30_000);
  it('removes what is no node’s address in batches, and keeps the nodes', async () => {
    const stale = Array.from({ length: 5_000 }, (_, index) => `stale-${index}`);
    const client = new ListedNodes([...stale.slice(0, 2_500), '10.0.0.2', ...stale.slice(2_500), '10.0.0.3']);
    expect(await shortenAddedNodes(client, staleOf, never)).to.equal(5_000);
    expect([...client.added]).to.deep.equal(['10.0.0.2', '10.0.0.3']);
  });

  it('closes the connections of what it removes', async () => {
    const client = new ListedNodes(['up-1', 'down-1']);
    await shortenAddedNodes(client, staleOf, never);
    expect(client.disconnected).to.deep.equal(['up-1']);
  });

  it('removes entries of 100 kB each, a few a time', async () => {
    const client = new ListedNodes(Array.from({ length: 60 }, (_, index) => `${index}${'x'.repeat(100_000)}`));
    expect(await shortenAddedNodes(client, staleOf, never)).to.equal(60);
  });

  it('leaves the rest to the next check after some batches', async () => {
    const client = new ListedNodes(Array.from({ length: 20_000 }, (_, index) => `stale-${index}`));
    expect(await shortenAddedNodes(client, staleOf, never)).to.equal(8_000);
    expect(client.batches).to.equal(8);
  });

  it('does nothing to a list that has no stale entry, nor again when nothing can be removed', async () => {
    const healthy = new ListedNodes(['10.0.0.2', '10.0.0.3']);
    expect(await shortenAddedNodes(healthy, staleOf, never)).to.equal(0);
    expect(healthy.batches).to.equal(0);
    const stubborn = new ListedNodes(['stale']);
    stubborn.batch = calls => Promise.resolve(calls.map(() => ({ error: new BitcoinRpcError('addnode', -24, 'not added') })));
    expect(await shortenAddedNodes(stubborn, staleOf, never)).to.equal(0);
  });
});
