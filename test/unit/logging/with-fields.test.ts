import { expect } from 'chai';
import { withFields } from '../../../src/logging/with-fields.ts';
import { MemoryLogger } from '../record/core/fakes.ts';

describe('withFields', () => {
  it('adds its fields to every message of a logger with four levels; fields of the message win', () => {
    const root = new MemoryLogger();
    const logger = withFields(withFields(root, { key: 'a', name: 'x' }), { key: 'b' });
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level, { name: level });
    expect(root.lines).to.deep.equal(
      ['debug', 'info', 'warn', 'error'].map(level => ({ level, message: level, fields: { key: 'b', name: level } })),
    );
  });
});
