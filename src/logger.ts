// What every module logs to: a constant message and fields. Modules get a Logger handed in; the implementation is in winston-logger.ts.

/** Values that say about which object a message is: `key`, `reason`, `error`, … Never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The log that modules write to. Implementations never throw. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every message. */
  child(fields: LogFields): Logger;
}
