// What every module logs to: a constant message and fields. Modules get a Logger handed in; the implementation is in winston-logger.ts.

/** Values that say about which object a message is: `key`, `reason`, `error`, … Never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The log that modules write to. Implementations never throw. */
export interface Logger {
  /** What only somebody who looks for a fault wants to know. */
  debug(message: string, fields?: LogFields): void;
  /** What happens as it should. */
  info(message: string, fields?: LogFields): void;
  /** What is not as it should be, and goes on. */
  warn(message: string, fields?: LogFields): void;
  /** What failed. */
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every message. */
  child(fields: LogFields): Logger;
}
