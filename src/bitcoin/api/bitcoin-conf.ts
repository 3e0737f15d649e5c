// Lines of bitcoind's configuration, and the keys that only the controller sets.
import * as z from 'zod';
import { listAtomic } from './field-types.ts';

/**
 * Keys that the controller sets itself, or that would break what it relies on. docs/decisions.md gives the reasons.
 * A key may be taken off this list later, but none may be added: it would invalidate networks that exist.
 */
export const reservedConfKeys: Readonly<Record<string, readonly string[]>> = {
  'chain and signet': [
    ...['chain', 'regtest', 'signet', 'testnet', 'testnet4', 'maxtipage'],
    ...['signetchallenge', 'signetblocktime', 'signetseednode'],
  ],
  files: ['conf', 'includeconf', 'confrw', 'settings', 'datadir', 'blocksdir', 'pid'],
  process: ['daemon', 'daemonwait', 'help', 'h', 'version', 'stopatheight', 'stopafterblockimport'],
  log: ['printtoconsole', 'debuglogfile'],
  'RPC access': [
    ...['server', 'rest', 'rpcport', 'rpcbind', 'rpcallowip', 'rpcuser', 'rpcpassword', 'rpcauth', 'rpcauthfile'],
    ...['rpccookiefile', 'rpcwhitelist', 'rpcwhitelistdefault'],
  ],
  peers: [
    ...[
      'port',
      'bind',
      'whitebind',
      'listen',
      'listenonion',
      'discover',
      'natpmp',
      'upnp',
      'uacomment',
      'uaspoof',
      'maxconnections',
    ],
    ...['connect', 'addnode', 'seednode', 'dnsseed', 'forcednsseed', 'fixedseeds', 'networkactive'],
    ...['dns', 'proxy', 'onlynet'],
  ],
  zmq: ['zmqpubhashblock', 'zmqpubhashtx', 'zmqpubrawblock', 'zmqpubrawtx', 'zmqpubsequence'],
};

const reservedKeyList = Object.values(reservedConfKeys)
  .flat()
  .map(key => `'${key}'`)
  .join(', ');
/** A list costs the API server a thirtieth of a regular expression of the same keys. bitcoind also has each key with `no` in front of it. */
const hasOwnKey = `[self, self.startsWith('no') ? self.substring(2) : self].all(line, !(line.split('=')[0] in [${reservedKeyList}]))`;

// The limits of length and number keep the rules within the API server's budget for CEL, with 16 groups of them.
const confLineSchema = z
  .string()
  .max(256)
  .meta({
    'x-kubernetes-validations': [
      {
        rule: String.raw`self.matches('^[a-z][a-z0-9]*=[^\\x00-\\x1f]*$')`,
        message: 'must be KEY=VALUE on one line, such as txindex=1: the key in lower case, without a section',
      },
      {
        rule: hasOwnKey,
        message:
          'the controller sets this key: chain, signet, peerDiscovery, topology, externalPeers and zmq are fields of the spec; files, process, log, ports and RPC access are fixed',
      },
    ],
  });

const hasTransactionIndex = "exists(l, l.startsWith('txindex=') && l != 'txindex=0')";
const hasPruning = "exists(l, l.startsWith('prune=') && l != 'prune=0')";

export const bitcoinConfSchema = z
  .array(confLineSchema)
  .max(48)
  .meta({
    ...listAtomic,
    description:
      "Lines KEY=VALUE of bitcoind's configuration. They are passed as arguments, so that bitcoind refuses a key that it does not know. They show in the pod: put no secrets here. In a group, they replace the lines of the same key of the network. A change restarts the nodes.",
    absent: 'None.',
    'x-kubernetes-validations': [
      {
        rule: `!(self.${hasTransactionIndex} && self.${hasPruning})`,
        message:
          'txindex and prune exclude each other: bitcoind would not start. Remove one of them, or give prune to a group, with txindex=0 there',
      },
    ],
  });
