// Logger: the interface that every module logs to, with a constant message and fields. It is passed in, never imported.

/** Fields such as `key`, `reason` or `error`. Never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured logging. Implementations never throw. */
export interface Logger {
  /** Detail that helps to find a fault. */
  debug(message: string, fields?: LogFields): void;
  /** A normal event. */
  info(message: string, fields?: LogFields): void;
  /** A fault from which the process recovers by itself. */
  warn(message: string, fields?: LogFields): void;
  /** A failure. */
  error(message: string, fields?: LogFields): void;
}

/** A logger with context of its own. */
export interface ContextLogger extends Logger {
  /** A logger that adds `fields` to every message. */
  child(fields: LogFields): ContextLogger;
}
