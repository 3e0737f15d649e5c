// Which external peers each node dials, and what is wrong with them. Pure.
import { isIPv6 } from 'node:net';
import { maxListed } from './dialling.ts';
import { hostOf } from './peer-plan.ts';
import type { SpecProblem } from './topology-plan.ts';
import { rangesOf } from './topology-problems.ts';

export interface ExternalPeersPlan {
  /** By ordinal: the addresses, exactly as given. */
  readonly byOrdinal: ReadonlyMap<number, readonly string[]>;
  readonly problems: readonly SpecProblem[];
}

interface ExternalPeer {
  readonly address: string;
  /** Default: node 0. */
  readonly ordinals?: readonly number[] | undefined;
}

/**
 * A peer is left out where it cannot be dialled, and that is a problem: by a node that there is not, by a node that has the same peer in
 * another spelling, which bitcoind refuses to add, and by a node that has as many as bitcoind dials. A network without nodes has no problems.
 * @param defaultPort that of the chain, which bitcoind adds to an address without one
 */
export function planExternalPeers(
  peers: readonly ExternalPeer[],
  ordinals: readonly number[],
  defaultPort: number,
): ExternalPeersPlan {
  const known = new Set(ordinals);
  /** By ordinal, and by what the address is once it has a port. */
  const dialled = new Map<number, Map<string, string>>();
  const problems: SpecProblem[] = [];
  for (const { address, ordinals: named = [0] } of peers)
    for (const ordinal of named) {
      const own = dialled.get(ordinal) ?? new Map<string, string>();
      dialled.set(ordinal, own);
      const endpoint = endpointOf(address, defaultPort);
      const same = own.get(endpoint);
      const field = `externalPeers[${address}]`;
      if (!known.has(ordinal)) problems.push(unknown(field, ordinal, ordinals));
      else if (same !== undefined) problems.push({ reason: 'PeerDoubled', message: doubledText(field, ordinal, same) });
      else if (own.size === maxListed) problems.push({ reason: 'TooManyPeers', message: tooManyText(field, ordinal) });
      else own.set(endpoint, address);
    }
  const byOrdinal = new Map([...dialled].map(([ordinal, own]) => [ordinal, [...own.values()]]));
  return { byOrdinal, problems: ordinals.length === 0 ? [] : problems };
}

const unknown = (field: string, ordinal: number, ordinals: readonly number[]): SpecProblem => ({
  reason: 'OrdinalUnknown',
  message: `${field}.ordinals: there is no node ${ordinal} (nodes: ${rangesOf(ordinals.toSorted((a, b) => a - b))})`,
});

const doubledText = (field: string, ordinal: number, same: string): string =>
  `${field}: node ${ordinal} connects to that peer already, as externalPeers[${same}]`;

const tooManyText = (field: string, ordinal: number): string =>
  `${field}.ordinals: node ${ordinal} has ${maxListed} external peers already, and bitcoind dials no more`;

/** Equal for two spellings of one peer, as far as that is known without DNS. */
function endpointOf(address: string, defaultPort: number): string {
  const host = hostOf(address).toLowerCase();
  const canonical = isIPv6(host) ? new URL(`http://[${host}]`).hostname : host;
  return `${canonical} ${portOfAddress(address) ?? defaultPort}`;
}

/** Of `host:port`, `1.2.3.4:port` and `[::1]:port`; undefined if there is none, as in `::1`. */
export function portOfAddress(address: string): number | undefined {
  const [, port] = /^(?:\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(address) ?? [];
  return port === undefined ? undefined : Number(port);
}
