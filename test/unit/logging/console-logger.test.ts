import { expect } from 'chai';
import { consoleLogger } from '../../../src/logging/console-logger.ts';

/** The lines that `use` writes to the console, by method. */
function written(use: () => void): string[] {
  const { warn, error } = console;
  const lines: string[] = [];
  console.warn = (line: string) => lines.push(`warn ${line}`);
  console.error = (line: string) => lines.push(`error ${line}`);
  try {
    use();
  } finally {
    Object.assign(console, { warn, error });
  }
  return lines;
}

describe('consoleLogger', () => {
  it('writes warnings and errors, one line each, with the causes of an error, and nothing else', () => {
    const lines = written(() => {
      consoleLogger.debug('hidden');
      consoleLogger.info('hidden');
      consoleLogger.warn('Events were dropped', { cause: 'spam', dropped: { spam: 1 } });
      consoleLogger.error('Unable to write event', {
        error: new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') }),
      });
    });
    expect(lines).to.deep.equal([
      'warn Events were dropped cause="spam" dropped={"spam":1}',
      'error Unable to write event error="fetch failed: ECONNREFUSED"',
    ]);
  });
});
