// The program: command line, signals and exit code. Only this file ends the process.
import './app/small-heap.ts';
import { hostname } from 'node:os';
import { config as rxjs } from 'rxjs';
import { readConfig, usage, UsageError, version } from './app/config.ts';
import { run } from './app/run.ts';
import type { Logger } from './logging/logger.ts';
import { createLogger, type LeveledLogger } from './logging/winston-logger.ts';

/** An AbortSignal that SIGTERM and SIGINT abort; a second one ends the process at once. */
function stopSignal(logger: Logger): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      logger.info('Stopping', { signal: name });
      controller.abort(new Error(name));
    });
  return controller.signal;
}

async function main(): Promise<number> {
  let logger: LeveledLogger | undefined;
  try {
    const config = readConfig(process.argv.slice(2), hostname());
    if (config === 'help' || config === 'version') {
      process.stdout.write(config === 'help' ? usage() : `${version}\n`);
      return 0;
    }
    logger = createLogger({ level: config.logLevel, format: config.logFormat });
    const root = logger;
    // An error that a subscriber throws is logged. It harms no other subscriber, and does not end the process.
    rxjs.onUnhandledError = error => root.error('Subscriber failed', { error });
    await run(config, root, stopSignal(root));
    logger.info('Stopped');
    return 0;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    if (isUsage) process.stderr.write(`bitcoin-controller: ${error.message}\n`);
    else if (logger === undefined) throw error;
    else logger.error('Exiting because of an error', { error });
    return isUsage ? 2 : 1;
  }
}

process.exitCode = await main();
