// The values that images/bitcoind/start.sh refuses. It does so before it writes or starts anything, so the test needs no container.
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const script = path.resolve(import.meta.dirname, '../../images/bitcoind/start.sh');

interface Outcome {
  status: number | null;
  output: string;
}

function start(environment: Record<string, string>): Outcome {
  const { status, stdout, stderr } = spawnSync('sh', [script], {
    env: { PATH: process.env.PATH, ...environment },
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

const refused: readonly (readonly [string, Record<string, string>, string])[] = [
  ['a user without a password', { BC_RPC_USER: 'alice' }, 'BC_RPC_PASSWORD is not set'],
  ['a password without a user', { BC_RPC_PASSWORD: 'hidden-word' }, 'BC_RPC_USER is not set'],
  [
    'a secret that does not exist',
    { BC_RPC_SECRET: 'my-secret' },
    'the Secret my-secret does not exist or lacks BC_RPC_USER and BC_RPC_PASSWORD',
  ],
  [
    'a secret without a password',
    { BC_RPC_SECRET: 'my-secret', BC_RPC_USER: 'alice' },
    'the Secret my-secret does not exist or lacks BC_RPC_PASSWORD',
  ],
  [
    'a secret without a user',
    { BC_RPC_SECRET: 'my-secret', BC_RPC_PASSWORD: 'hidden-word' },
    'the Secret my-secret does not exist or lacks BC_RPC_USER',
  ],
  ['an empty user', { BC_RPC_USER: '', BC_RPC_PASSWORD: 'hidden-word' }, 'BC_RPC_USER is empty'],
  ['an empty password', { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: '\n' }, 'BC_RPC_PASSWORD is empty'],
  [
    'a line break in the user',
    { BC_RPC_USER: 'alice\nrpcallowip=0', BC_RPC_PASSWORD: 'hidden-word' },
    'BC_RPC_USER has a line break',
  ],
  [
    'a line break in the password',
    { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: 'hidden-word\nx' },
    'BC_RPC_PASSWORD has a line break',
  ],
  [
    'two line breaks at the end',
    { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: 'hidden-word\n\n' },
    'BC_RPC_PASSWORD has a line break',
  ],
  ['a # in the password', { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: 'hidden-word#1' }, 'BC_RPC_PASSWORD has a #'],
  ['a leading blank', { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: ' hidden-word' }, 'BC_RPC_PASSWORD begins or ends with a blank'],
  ['a tab at the end', { BC_RPC_USER: 'alice\t', BC_RPC_PASSWORD: 'hidden-word' }, 'BC_RPC_USER begins or ends with a blank'],
  ['a : in the user', { BC_RPC_USER: 'al:ice', BC_RPC_PASSWORD: 'hidden-word' }, 'BC_RPC_USER has a :'],
];

describe('The start script of the bitcoind image', () => {
  for (const [what, environment, message] of refused) {
    it(`refuses ${what}, and says which variable it is and no password`, () => {
      const { status, output } = start(environment);
      expect(output).to.include(`bitcoind is not started: ${message}`);
      expect(output).not.to.include('hidden-word');
      expect(status).to.equal(1);
    });
  }
});
