import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { batchWithEither } from '../../../../src/bitcoin/rpc/either-credentials.ts';
import { BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';

const words = ['new-word', 'second-word', 'first-word'];
const credentialsOf = (password: string) => ({ user: 'alice', password });

describe('calls to a node that may still have previous credentials', () => {
  let server: Server;
  let tried: string[];
  /** The password that the node takes; undefined: it takes none, and never answers the last one that is tried. */
  let taken: string | undefined;

  beforeEach(async () => {
    tried = [];
    server = createServer((request, response) => {
      const [, encoded = ''] = (request.headers.authorization ?? '').split(' ');
      const word = Buffer.from(encoded, 'base64').toString().replace('alice:', '');
      tried.push(word);
      if (taken === undefined && word === words.at(-1)) return;
      const body = JSON.stringify([{ id: 0, result: word }]);
      if (word === taken) response.writeHead(200, { 'content-length': body.length }).end(body);
      else response.writeHead(401, { 'content-length': 0 }).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const call = (timeoutMs: number) => {
    const [credentials, ...previous] = words.map(credentialsOf);
    const { port } = server.address() as AddressInfo;
    const access = { host: '127.0.0.1', port, credentials: credentials ?? credentialsOf(''), previous };
    return batchWithEither(access, [{ method: 'getblockcount' }], { timeoutMs });
  };

  for (const [count, word] of words.entries())
    it(`are sent with each in turn, until the node takes one: the ${['present', 'last', 'last but one'][count]}`, async () => {
      taken = word;
      expect(await call(5_000)).to.deep.equal([{ result: word }]);
      expect(tried).to.deep.equal(words.slice(0, count + 1));
    });

  it('fail as with the present ones if the node takes none', async () => {
    taken = '';
    const error = await call(5_000).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(BitcoinTransportError).with.property('failure', 'unauthorized');
    expect(tried).to.deep.equal(words);
  });

  it('have one time limit, however many are tried', async () => {
    taken = undefined;
    const error = await call(200).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(BitcoinTransportError).with.property('failure', 'timeout');
    expect((error as Error).message).to.equal('no answer within 200 ms');
  });
});
