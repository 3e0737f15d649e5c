// guardedLogger: protects a library from the logger that its consumer passes in.
import type { Logger } from './logger.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Logs to `logger` and ignores what it throws: a broken logger must not lose an event. */
export function guardedLogger(logger: Logger): Logger {
  const guarded =
    (level: Level): Logger[Level] =>
    (message, fields) => {
      try {
        logger[level](message, fields);
      } catch {
        // There is no other place to report it.
      }
    };
  return {
    debug: guarded('debug'),
    info: guarded('info'),
    warn: guarded('warn'),
    error: guarded('error'),
  };
}
