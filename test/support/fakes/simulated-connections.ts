// The TCP connections between simulated nodes, by their hosts. A host need not have a node: anybody may be dialled.

export interface SimulatedConnection {
  readonly id: number;
  /** The host that dialled. */
  readonly from: string;
  readonly to: string;
  /** The address as it was given to the dialler. */
  readonly dialled: string;
}

interface Ends {
  /** By the host that was dialled. */
  readonly outbound: Map<string, SimulatedConnection>;
  readonly inbound: Set<SimulatedConnection>;
}

const none: Ends = { outbound: new Map(), inbound: new Set() };

export class SimulatedConnections {
  readonly #hosts = new Map<string, Ends>();
  #count = 0;

  outbound(host: string): SimulatedConnection[] {
    return [...this.#of(host).outbound.values()];
  }

  inbound(host: string): SimulatedConnection[] {
    return [...this.#of(host).inbound];
  }

  outboundTo(host: string, peer: string): SimulatedConnection | undefined {
    return this.#of(host).outbound.get(peer);
  }

  /** As bitcoind dials: no second connection of the same dialler, and none to a host that accepts no more than it has. */
  dial(from: string, dialled: string, maxInbound: (host: string) => number): void {
    const to = simulatedHost(dialled);
    if (from === to || this.#of(from).outbound.has(to) || this.#of(to).inbound.size >= maxInbound(to)) return;
    const connection = { id: (this.#count += 1), from, to, dialled };
    this.#ensure(from).outbound.set(to, connection);
    this.#ensure(to).inbound.add(connection);
  }

  close(connection: SimulatedConnection): void {
    this.#of(connection.from).outbound.delete(connection.to);
    this.#of(connection.to).inbound.delete(connection);
  }

  closeAll(host: string): void {
    for (const connection of [...this.outbound(host), ...this.inbound(host)]) this.close(connection);
  }

  #of(host: string): Ends {
    return this.#hosts.get(host) ?? none;
  }

  #ensure(host: string): Ends {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const ends: Ends = { outbound: new Map(), inbound: new Set() };
    this.#hosts.set(host, ends);
    return ends;
  }
}

/** Without the port. */
export const simulatedHost = (address: string): string => address.replace(/:\d+$/, '');
