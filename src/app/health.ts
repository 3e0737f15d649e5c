// Serves /healthz, /readyz and /metrics, and the log level, where the configuration says.
import type { LeveledLogger } from '../logging/winston-logger.ts';
import { HealthServer, type HealthServerOptions } from '../runtime/health-server.ts';
import { LogLevelServer } from '../runtime/log-level-server.ts';
import type { Config } from './config.ts';

interface Closable {
  close(): Promise<void>;
}

/**
 * @returns closes what was started
 * @throws Error if an address cannot be listened on
 */
export async function startServers(
  { healthAddress, logLevelAddress }: Pick<Config, 'healthAddress' | 'logLevelAddress'>,
  options: Omit<HealthServerOptions, 'logger'> & { readonly logger: LeveledLogger },
): Promise<Closable> {
  const { logger } = options;
  const level = { logger, get: () => logger.level, set: (next: string) => logger.setLevel(next) };
  const servers = [
    await listening('--health-address', healthAddress, () => new HealthServer(options)),
    await listening('--log-level-address', logLevelAddress, () => new LogLevelServer(level)),
  ];
  return {
    close: async () => {
      for (const server of servers) await server?.close();
    },
  };
}

async function listening(
  option: string,
  address: string,
  create: () => HealthServer | LogLevelServer,
): Promise<Closable | undefined> {
  if (address === 'off' || address === '0') return undefined;
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
  const server = create();
  await server.listen(Number(port), host === '' ? undefined : host.replace(/^\[(.*)\]$/, '$1')).catch((cause: unknown) => {
    throw new Error(`${option} ${address}`, { cause });
  });
  return server;
}
