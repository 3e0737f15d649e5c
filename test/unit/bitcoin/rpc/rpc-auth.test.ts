import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { hasUser, parseRpcAuth, refusedMethods, type RpcAuth, takes } from '../../../../src/bitcoin/rpc/rpc-auth.ts';

const hashOf = (password: string, salt: string): string => createHmac('sha256', salt).update(password).digest('hex');
const lineOf = (user: string, password: string, salt = '0123456789abcdef'): string =>
  `rpcauth=${user}:${salt}$${hashOf(password, salt)}`;

function parsed(text: string): RpcAuth {
  const result = parseRpcAuth(text);
  if ('fault' in result) throw new Error(result.fault);
  return result;
}
const faultOf = (text: string): string => {
  const result = parseRpcAuth(text);
  return 'fault' in result ? result.fault : '';
};

describe('rpcauth.conf', () => {
  it('takes credentials of which Bitcoin Core’s rpcauth.py made a line', () => {
    // Of Bitcoin Core's test/functional/rpc_users.py.
    const line = 'rpcauth=rt:93648e835a54c573682c2eb19f882535$7681e9c5b74bdd85e78166031d2058e1069b3ed7ed967c93fc63abba06f31144';
    const password = 'cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=';
    expect(takes(parsed(line), { user: 'rt', password })).to.equal(true);
    expect(takes(parsed(line), { user: 'rt', password: 'other' })).to.equal(false);
    expect(takes(parsed(line), { user: 'bob', password })).to.equal(false);
  });

  it('of examples/hashed.yaml takes the password beside it', () => {
    const file = path.resolve(import.meta.dirname, '../../../../examples/hashed.yaml');
    const [secret] = parseAllDocuments(readFileSync(file, 'utf8')).map(document => document.toJS() as { stringData: object });
    const { BC_RPC_USER: user, BC_RPC_PASSWORD: password, ...others } = secret?.stringData as Record<string, string>;
    expect(takes(parsed(others['rpcauth.conf'] ?? ''), { user: user ?? '', password: password ?? '' })).to.equal(true);
  });

  it('is what the command of docs/rotate-credentials.md makes', () => {
    const page = readFileSync(path.resolve(import.meta.dirname, '../../../../docs/rotate-credentials.md'), 'utf8');
    const [, command = ''] = /^```sh\n(salt=.*?)^```$/ms.exec(page) ?? [];
    // Without a terminal stty complains.
    const made = execFileSync('sh', ['-c', command], { input: 'a word\n', encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
    expect(takes(parsed(made), { user: 'alice', password: 'a word' })).to.equal(true);
  });

  it('takes the old and the new password of a user that has two lines', () => {
    const both = parsed(`${lineOf('alice', 'old')}\n${lineOf('alice', 'new', 'ff')}\n`);
    for (const password of ['old', 'new']) expect(takes(both, { user: 'alice', password })).to.equal(true);
    expect([hasUser(both, 'alice'), hasUser(both, 'bob')]).to.deep.equal([true, false]);
  });

  it('may have comments, empty lines and the line ends of an editor, which its digest does not depend on', () => {
    const line = lineOf('alice', 'word');
    const { digest } = parsed(line);
    expect(parsed(`# made by hand\r\n\r\n${line} # the controller\r\n`).digest).to.equal(digest);
    expect(parsed(`${line}\n${lineOf('bob', 'word')}`).digest).not.to.equal(digest);
    expect(parsed(lineOf('alice', 'other')).digest).not.to.equal(digest);
  });

  for (const [what, text, message] of [
    ['nothing', '', 'has no line rpcauth=USER:SALT$HASH'],
    ['only a whitelist', 'rpcwhitelist=alice:uptime', 'has no line rpcauth=USER:SALT$HASH'],
    ['a password', `${lineOf('a', 'b')}\nrpcpassword=hidden-word`, 'line 2 must be rpcauth=USER:SALT$HASH, rpcwhitelist='],
    ['a command', `startupnotify=hidden-word`, 'line 1 must be'],
    ['a section', `[regtest]\n${lineOf('a', 'b')}`, 'line 1 must be'],
    ['an option without a value', 'rpcauth', 'line 1 must be'],
    ['blanks around =', `rpcauth = a:b$${hashOf('a', 'b')}`, 'line 1 must be rpcauth=USER:SALT$HASH, rpcwhitelist=USER:METHOD'],
    ['no salt', `rpcauth=alice:hidden-word`, 'line 1 must be rpcauth=USER:SALT$HASH: bitcoind would not start'],
    ['two users', `rpcauth=a:b:hidden-word$${hashOf('a', 'b')}`, 'bitcoind would not start'],
    ['two hashes', `rpcauth=a:b$hidden-word$${hashOf('a', 'b')}`, 'bitcoind would not start'],
    ['a plain password as a hash', `rpcauth=alice:salt$hidden-word`, 'must have a HASH of 64 hexadecimal digits in lower case'],
    ['a hash in capitals', `rpcauth=alice:salt$${hashOf('a', 'b').toUpperCase()}`, 'in lower case'],
    ['a default that is neither', 'rpcwhitelistdefault=yes', 'line 1 must be'],
    // The start script refuses these.
    ['a line of blanks', `${lineOf('a', 'b')}\n  \n`, 'line 2 must be rpcauth=USER:SALT$HASH, rpcwhitelist='],
    ['an indented comment', `${lineOf('a', 'b')}\n  # hidden-word`, 'or empty or begin with #'],
    ['a comment after a default', `${lineOf('a', 'b')}\nrpcwhitelistdefault=0 # hidden-word`, 'line 2 must be'],
    ['blanks after a default', `${lineOf('a', 'b')}\nrpcwhitelistdefault=0 `, 'line 2 must be'],
  ] as const)
    it(`is refused with ${what}: the message names the line and nothing of its value`, () => {
      expect(faultOf(text)).to.include(message).and.not.include('hidden-word');
      expect(faultOf(text)).not.to.include(hashOf('a', 'b'));
    });

  it('lets a user without a whitelist call everything, unless another one has one', () => {
    const line = lineOf('alice', 'word');
    expect(refusedMethods(parsed(line), 'alice', ['addnode'])).to.deep.equal([]);
    const ofBob = `${line}\nrpcwhitelist=bob:uptime`;
    expect(refusedMethods(parsed(ofBob), 'alice', ['addnode'])).to.deep.equal(['addnode']);
    expect(refusedMethods(parsed(`${ofBob}\nrpcwhitelistdefault=0`), 'alice', ['addnode'])).to.deep.equal([]);
    expect(refusedMethods(parsed(`${line}\nrpcwhitelistdefault=1`), 'alice', ['addnode'])).to.deep.equal(['addnode']);
  });

  it('lets a user with several whitelists call what each of them allows', () => {
    const text = `${lineOf('alice', 'word')}\nrpcwhitelist=alice:addnode, uptime\nrpcwhitelist=alice:addnode,getpeerinfo`;
    expect(refusedMethods(parsed(text), 'alice', ['addnode', 'uptime', 'getpeerinfo'])).to.deep.equal(['uptime', 'getpeerinfo']);
  });
});
