// One table of credentials for the three programs that validate them: the controller, the start script of the bitcoind image, and bitcoind. What
// bitcoind does not accept is refused by the other two, and nothing else is.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { V1Secret } from '@kubernetes/client-node';
import { expect } from 'chai';
import { bitcoinConf } from '../../src/bitcoin/resources/bitcoin-conf.ts';
import { RpcClient } from '../../src/bitcoin/rpc/rpc-client.ts';
import { NetworkCredentials } from '../../src/controller/steps/credentials.ts';
import { freePort } from '../../tools/kubernetes/free-port.ts';
import { providePrograms } from '../../tools/programs.ts';
import { network } from '../support/builders.ts';
import { eventually } from '../support/until.ts';

const script = path.resolve(import.meta.dirname, '../../images/bitcoind/start.sh');
const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String.fromCharCode(from + index));
const printable = range(0x21, 0x7e);
const isWrong = (character: string): boolean => character === '#' || character === ':';
const harmless = printable.filter(character => !isWrong(character));
const blanks = ['\t', '\r', ' '];

type Pair = readonly [user: string, password: string];
const user = 'user';
const password = 'word';

/** Credentials that bitcoind accepts. */
const taken: readonly Pair[] = [
  [user, `a${harmless.join('')}z`],
  [`a${harmless.join('')}z`, password],
  // Each at both ends.
  ...harmless
    .filter(character => /\W/.test(character))
    .map((character): Pair => [`${character}u${character}`, `${character}p${character}`]),
  ['0', '1'],
  ['a b', 'a b'],
  ['a\rb', 'a\tb'],
  ...['\f', '\v', '\u00a0', '\u0085', '\u2003', '\u2028', '\ufeff'].map((character): Pair => [
    `${character}u${character}`,
    `${character}p${character}`,
  ]),
  ['a\u0001\u001b\u007fb', `a${range(0x80, 0x17f).join('')}z`],
  ['Ümläut', 'пароль密码😀'],
  ['$(id)`id`${HOME}', '%s%n\\n\\$(id)'],
  ['regtest.rpcuser', 'no=rpcpassword=[main]'],
  ['x'.repeat(96), 'x'.repeat(4_000)],
];
/** Credentials with which it does not start, or which it reads as another value. */
const refused: readonly Pair[] = [
  ...printable.filter(isWrong).flatMap((character): Pair[] => [
    [user, `a${character}b`],
    [user, `${character}ab`],
    [user, `ab${character}`],
    [`a${character}b`, password],
  ]),
  ...blanks.flatMap((blank): Pair[] => [
    [user, `${blank}ab`],
    [user, `ab${blank}a${blank}${blank}`],
    [`${blank}ab`, password],
    [`ab${blank}${blank}`, password],
  ]),
  [user, 'a\nb'],
  ['a\r\nb', password],
  [user, ''],
  [user, 'x'.repeat(7_000)],
];

describe('credentials', function () {
  this.timeout(0);
  let bitcoind: string;
  let folder: string;

  before(async () => {
    ({ bitcoind } = await providePrograms(['bitcoind']));
    folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-credentials-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** The start script with its paths and ports in a folder of this machine. */
  async function scriptIn(home: string, port: number, isChecking: boolean): Promise<string> {
    const configuration = path.join(home, 'bitcoin.conf');
    const data = path.join(home, 'data');
    await mkdir(data, { recursive: true });
    const shared = path.join(home, 'shared.conf');
    const lines = bitcoinConf({}).replace('datadir=/bitcoin\n', `datadir=${data}\n`);
    await writeFile(shared, lines.replace('rpcport=18443\nrpcbind=0.0.0.0', `rpcport=${port}\nrpcbind=127.0.0.1`));
    const replacements: readonly (readonly [string, string])[] = [
      ['shared=/etc/bitcoin-controller/bitcoin.conf', `shared=${shared}`],
      ['configuration=/run/bitcoin/bitcoin.conf', `configuration=${configuration}`],
      ['home=/bitcoin\n', `home=${data}\n`],
      ['exec "$bitcoind" -conf="$configuration"', `exec ${bitcoind} -conf="$configuration" -listen=0`],
      ['$(command -v bitcoind)', bitcoind],
      ['ipv6_addresses=/proc/net/if_inet6', `ipv6_addresses=${home}/none`],
      ...(isChecking
        ? []
        : ([
            ['check() {\n', 'check() {\n\treturn 0\n'],
            ['longest=4096', 'longest=1000000'],
          ] as const)),
    ];
    let text = await readFile(script, 'utf8');
    for (const [from, to] of replacements) {
      expect(text.split(from), from).to.have.length(2);
      text = text.replace(from, () => to);
    }
    const file = path.join(home, 'start.sh');
    await writeFile(file, text);
    return file;
  }

  /** Whether a node that is started with the credentials accepts them. */
  async function works([givenUser, givenPassword]: Pair, isChecking: boolean): Promise<boolean> {
    const home = await mkdtemp(path.join(folder, 'node-'));
    const port = await freePort('127.0.0.1');
    const env = { PATH: process.env.PATH, HOME: home, BC_RPC_USER: givenUser, BC_RPC_PASSWORD: givenPassword };
    const node = spawn('sh', [await scriptIn(home, port, isChecking)], { env, stdio: 'ignore' });
    const ended = new Promise<void>(resolve => node.once('exit', () => resolve()));
    const client = new RpcClient({ host: '127.0.0.1', port, credentials: { user: givenUser, password: givenPassword } });
    const answers: ('result' | 'refusal')[] = [];
    try {
      await eventually(async () => {
        if (node.exitCode !== null) return true;
        try {
          const [outcome] = await client.batch([{ method: 'uptime' }], { timeoutMs: 10_000 });
          if (outcome !== undefined && 'result' in outcome) answers.push('result');
        } catch (error) {
          // Not JSON: the header was too long.
          if (/HTTP 401|not JSON|HTTP 400/.test(String(error))) answers.push('refusal');
        }
        return answers.length > 0;
      });
      return answers[0] === 'result';
    } finally {
      node.kill('SIGTERM');
      await ended;
      await rm(home, { recursive: true, force: true });
    }
  }

  /** Whether the controller accepts a Secret with the credentials and reads them unchanged. */
  async function isTaken([givenUser, givenPassword]: Pair): Promise<boolean> {
    const encoded = (value: string): string => Buffer.from(value).toString('base64');
    const data = { BC_RPC_USER: encoded(givenUser), BC_RPC_PASSWORD: encoded(givenPassword) };
    const secret: V1Secret = { metadata: { uid: 'u', resourceVersion: '1' }, data };
    const client = { get: () => Promise.resolve(secret) } as unknown as { get: never };
    const state = await new NetworkCredentials({ client, maxAgeMs: 1 }).of(network({ secret: 's' }), {}, undefined);
    if (state.isAvailable) expect(state.credentials).to.deep.equal({ user: givenUser, password: givenPassword });
    return state.isAvailable;
  }

  const label = (pair: Pair): string =>
    pair.map(text => JSON.stringify(text.length > 30 ? `${text.slice(0, 30)}…` : text)).join(' ');

  for (const pair of taken)
    it(`that bitcoind takes are taken by the controller and the start script: ${label(pair)}`, async () => {
      expect(await isTaken(pair), 'controller').to.equal(true);
      expect(await works(pair, true), 'start script and bitcoind').to.equal(true);
    });

  for (const pair of refused)
    it(`that bitcoind does not take are refused by both: ${label(pair)}`, async () => {
      // Both remove one line break at the end.
      expect(await isTaken(pair[1].endsWith('\r') ? [pair[0], `${pair[1]}\r`] : pair), 'controller').to.equal(false);
      expect(await works(pair, false), 'bitcoind').to.equal(false);
      expect(await works(pair, true), 'start script').to.equal(false);
    });
});
