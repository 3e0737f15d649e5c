// The program's Logger, on winston: one line of JSON or text for each message. Nothing else imports winston.
import winston from 'winston';
import { errorChain } from './error-chain.ts';
import type { ContextLogger, LogFields } from './logger.ts';
import { escaped } from './printable.ts';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  /** Default: standard error. */
  readonly stream?: NodeJS.WritableStream;
}

/** The root logger. Its level applies to all its children, also after a change. */
export interface LeveledLogger extends ContextLogger {
  readonly level: LogLevel;
  /** @throws RangeError for an unknown level */
  setLevel(level: string): void;
}

/** A line may quote other parties: nothing of it is obeyed by a terminal. */
const escapedLine = winston.format(info => ({ ...info, [lineKey]: escaped(String(info[lineKey])) }));
/** Where winston keeps the formatted line. */
const lineKey = Symbol.for('message');

const ignore = (): void => undefined;

export function createLogger({ level, format, stream = process.stderr }: LoggerOptions): LeveledLogger {
  const { combine, timestamp, json, printf } = winston.format;
  // The reader of the log may go away (EPIPE). The process continues, and there is no other place to report it.
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
  const root = winston.createLogger({
    level,
    levels: winston.config.npm.levels,
    format: combine(timestamp(), format === 'json' ? json({ deterministic: false }) : printf(asText), escapedLine()),
    transports: [new winston.transports.Stream({ stream })],
  });
  const isDebug = () => root.level === 'debug';
  return {
    ...loggerWith(root, {}, isDebug),
    get level() {
      return root.level as LogLevel;
    },
    setLevel(next) {
      if (!(logLevels as readonly string[]).includes(next))
        throw new RangeError(`the log level is one of ${logLevels.join(', ')}`);
      root.level = next;
    },
  };
}

function loggerWith(root: winston.Logger, context: LogFields, isDebug: () => boolean): ContextLogger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      // Fields are not formatted for a level that is off.
      if (!root.isLevelEnabled(level)) return;
      root.log({ ...plain(context, isDebug()), ...plain(fields, isDebug()), level, message });
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: fields => loggerWith(root, { ...context, ...fields }, isDebug),
  };
}

/** Names that a log line uses itself; a field of such a name gets a prefix. */
const ownNames = ['level', 'message', 'timestamp'];

function plain(fields: LogFields, withStack: boolean): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) {
    const key = ownNames.includes(name) ? `field_${name}` : name;
    try {
      const value = fields[name];
      result[key] = toJson(value);
      if (value instanceof Error && withStack && value.stack !== undefined) result[`${key}Stack`] = value.stack;
    } catch {
      result[key] = '[cannot be shown]';
    }
  }
  return result;
}

/** A value that JSON can represent. Errors become their messages, without their properties: a client's error may hold the request and its headers. */
function toJson(value: unknown): unknown {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return toJson(messageOf(value));
  const holders: unknown[] = [];
  const text = JSON.stringify(value, function (this: Record<string, unknown>, key, inner: unknown) {
    const original = this[key];
    if (original instanceof Error) return messageOf(original);
    if (typeof inner === 'bigint') return inner.toString();
    while (holders.length > 0 && holders.at(-1) !== this) holders.pop();
    if (holders.includes(inner)) return '[Circular]';
    if (typeof inner === 'object') holders.push(inner);
    return inner;
  }) as string | undefined;
  return text === undefined ? undefined : JSON.parse(text);
}

/** An error's message followed by those of its causes that add something. */
function messageOf(error: Error): string {
  let text = error.message === '' ? error.name : error.message;
  for (const { message } of errorChain(error.cause)) if (!text.includes(message)) text += `: ${message}`;
  return text;
}

function asText({ level, message, timestamp, ...fields }: winston.Logform.TransformableInfo): string {
  const rest = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`,
  );
  return `${String(timestamp)} ${level.toUpperCase().padEnd(5)} ${String(message)}${rest.join('')}`;
}
