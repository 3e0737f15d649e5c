// Serves /healthz, /readyz, /metrics and the log level where the configuration says.
import type { LeveledLogger } from '../logging/winston-logger.ts';
import { HealthServer, type HealthServerOptions } from '../runtime/health-server.ts';
import type { Config } from './config.ts';

/**
 * @returns undefined if the configuration turns it off
 * @throws Error if the address cannot be listened on
 */
export async function startHealthServer(
  { healthAddress }: Config,
  options: Omit<HealthServerOptions, 'logLevel' | 'logger'> & { readonly logger: LeveledLogger },
): Promise<HealthServer | undefined> {
  if (healthAddress === 'off' || healthAddress === '0') return undefined;
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(healthAddress) ?? [];
  const { logger } = options;
  const logLevel = { get: () => logger.level, set: (level: string) => logger.setLevel(level) };
  const health = new HealthServer({ ...options, logLevel });
  await health.listen(Number(port), host === '' ? undefined : host.replace(/^\[(.*)\]$/, '$1')).catch((cause: unknown) => {
    throw new Error(`--health-address ${healthAddress}`, { cause });
  });
  return health;
}
