// rpcauth.conf: the lines of bitcoind's configuration that hold hashes of credentials, and what each user may call. images/bitcoind/rpcauth.sh
// copies the same lines; test/integration/rpc-auth compares both with bitcoind. Pure.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Credentials } from './rpc-client.ts';

interface HashLine {
  readonly user: string;
  readonly salt: string;
  readonly hash: string;
}

/** What rpcauth.conf says. It has no password. */
export interface RpcAuth {
  readonly hashes: readonly HashLine[];
  /** The methods that a user may call. */
  readonly allowed: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether a user without a whitelist may call nothing. */
  readonly isDefaultNothing: boolean;
  /** Changes with any line that bitcoind reads, and not with comments and empty lines. */
  readonly digest: string;
}

export const rpcAuthForm = 'rpcauth=USER:SALT$HASH';

/**
 * Reads the value of rpcauth.conf.
 * @returns what is wrong with it, as a sentence that names the line and what is expected, and nothing of the value
 */
export function parseRpcAuth(text: string): RpcAuth | { readonly fault: string } {
  const hashes: HashLine[] = [];
  const allowed = new Map<string, ReadonlySet<string>>();
  const read: string[] = [];
  let isDefaultNothing: boolean | undefined;
  for (const [index, whole] of text.split('\n').entries()) {
    // What the script passes over, and what it copies as a whole.
    const copied = whole.replace(/\r$/, '');
    if (copied === '' || copied.startsWith('#')) continue;
    // As bitcoind reads a line of its configuration.
    const line = copied.replace(/#.*$/s, '').replace(/[ \t\r]+$/, '');
    read.push(line);
    const parsed = parseLine(line, copied);
    if ('fault' in parsed) return { fault: `line ${index + 1} ${parsed.fault}` };
    if ('hash' in parsed) hashes.push(parsed);
    else if ('methods' in parsed) allowed.set(parsed.user, intersection(allowed.get(parsed.user), parsed.methods));
    // Of an option that is given twice bitcoind takes the first.
    else isDefaultNothing ??= parsed.isDefaultNothing;
  }
  if (hashes.length === 0) return { fault: `has no line ${rpcAuthForm}` };
  const digest = createHash('sha256').update(read.join('\n')).digest('hex').slice(0, 16);
  return { hashes, allowed, isDefaultNothing: isDefaultNothing ?? allowed.size > 0, digest };
}

type Line =
  | HashLine
  | { readonly user: string; readonly methods: ReadonlySet<string> }
  | { readonly isDefaultNothing: boolean }
  | { readonly fault: string };

/** @param copied the line with what bitcoind leaves out at its end. The script takes only 0 or 1 for a default */
function parseLine(line: string, copied: string): Line {
  const [, option, value = ''] = /^(rpcauth|rpcwhitelist|rpcwhitelistdefault)=(\S.*)$/.exec(line) ?? [];
  if (option === 'rpcauth') return parseHash(value);
  if (option === 'rpcwhitelist') return parseWhitelist(value);
  if (option === 'rpcwhitelistdefault' && /^[01]$/.test(value) && copied === line) return { isDefaultNothing: value === '1' };
  return {
    fault: `must be ${rpcAuthForm}, rpcwhitelist=USER:METHOD,METHOD or rpcwhitelistdefault=0 (or 1), without blanks around =, or empty or begin with #`,
  };
}

function parseHash(value: string): Line {
  const [, user = '', salt = '', hash = ''] = /^([^:]+):([^:$]+)\$([^:$]*)$/.exec(value) ?? [];
  if (user === '') return { fault: `must be ${rpcAuthForm}: bitcoind would not start with it` };
  // bitcoind compares texts: it starts with another hash, and refuses everybody.
  if (!/^[0-9a-f]{64}$/.test(hash)) return { fault: 'must have a HASH of 64 hexadecimal digits in lower case' };
  return { user, salt, hash };
}

/** bitcoind takes blanks as well as commas between methods. */
function parseWhitelist(value: string): Line {
  const colon = value.indexOf(':');
  const user = colon < 0 ? value : value.slice(0, colon);
  const methods = colon < 0 ? [] : value.slice(colon + 1).split(/[, ]/);
  return { user, methods: new Set(methods.filter(method => method !== '')) };
}

/** Several whitelists of one user: what all of them allow. */
const intersection = (one: ReadonlySet<string> | undefined, other: ReadonlySet<string>): ReadonlySet<string> =>
  one === undefined ? other : new Set([...one].filter(method => other.has(method)));

/** Whether a node that has the lines takes the credentials. */
export function takes({ hashes }: RpcAuth, { user, password }: Credentials): boolean {
  return hashes.some(line => {
    if (line.user !== user) return false;
    const wanted = createHmac('sha256', line.salt).update(password).digest();
    return timingSafeEqual(wanted, Buffer.from(line.hash, 'hex'));
  });
}

export const hasUser = ({ hashes }: RpcAuth, user: string): boolean => hashes.some(line => line.user === user);

/** The methods of `needed` that the user may not call. */
export function refusedMethods({ allowed, isDefaultNothing }: RpcAuth, user: string, needed: readonly string[]): string[] {
  const own = allowed.get(user);
  if (own === undefined) return isDefaultNothing ? [...needed] : [];
  return needed.filter(method => !own.has(method));
}
