// consoleLogger: where the library reports faults if its consumer passes no logger.
import { errorChain } from './error-chain.ts';
import type { LogFields, Logger } from './logger.ts';

/** Writes warnings and errors to the console, one line each, and nothing else. */
export const consoleLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => {
    console.warn(line(message, fields));
  },
  error: (message, fields) => {
    console.error(line(message, fields));
  },
};

function line(message: string, fields: LogFields = {}): string {
  const texts = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(textOf(value))}`);
  return `${message}${texts.join('')}`;
}

/** An error as its message and those of its causes. */
function textOf(value: unknown): unknown {
  return value instanceof Error ? [...errorChain(value)].map(({ message, name }) => message || name).join(': ') : value;
}
