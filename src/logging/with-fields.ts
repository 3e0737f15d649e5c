// withFields: a logger with context, such as the key that is being processed.
import type { ContextLogger, LogFields, Logger } from './logger.ts';

/** A logger that adds `fields` to every message of `logger`, by its own `child` if it has one. Fields of the message itself win. */
export function withFields(logger: Logger | ContextLogger, fields: LogFields): Logger {
  if ('child' in logger) return logger.child(fields);
  return {
    debug: (message, more) => logger.debug(message, { ...fields, ...more }),
    info: (message, more) => logger.info(message, { ...fields, ...more }),
    warn: (message, more) => logger.warn(message, { ...fields, ...more }),
    error: (message, more) => logger.error(message, { ...fields, ...more }),
  };
}
