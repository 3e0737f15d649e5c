// The log of a consumer, as record/ writes to it: what fails there is no reason to lose an event. Used by the broadcasters and recorders.
import type { Logger } from './logger.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Logs to `logger`, and goes on if that throws. */
export function guardedLogger(logger: Logger): Logger {
  const guarded =
    (level: Level): Logger[Level] =>
    (message, fields) => {
      try {
        logger[level](message, fields);
      } catch {
        // There is no other place to say it.
      }
    };
  return {
    debug: guarded('debug'),
    info: guarded('info'),
    warn: guarded('warn'),
    error: guarded('error'),
    child: fields => guardedLogger(logger.child(fields)),
  };
}
