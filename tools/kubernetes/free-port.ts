// Ports for servers of a local Kubernetes.
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the kernel's range for outgoing connections, so that none of them takes the port meanwhile.
const lowest = 20_000;
const highest = 30_000;
const tries = 100;

/** A TCP port on which nothing listens at the address. It is random, so that two callers rarely get the same one. */
export async function freePort(address: string): Promise<number> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    const server = createServer();
    try {
      server.listen(port, address);
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error(`No free port at ${address} after ${tries} tries`);
}
