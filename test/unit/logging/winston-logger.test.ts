import { once } from 'node:events';
import { Writable } from 'node:stream';
import { expect } from 'chai';
import { createLogger, type LeveledLogger } from '../../../src/logging/winston-logger.ts';

describe('the log', () => {
  const logging = (format: 'json' | 'text', use: (logger: LeveledLogger) => void, level: 'info' | 'debug' = 'info'): string[] => {
    const lines: string[] = [];
    const stream = new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        lines.push(...chunk.split('\n').filter(line => line !== ''));
        done();
      },
    });
    use(createLogger({ level, format, stream }));
    return lines;
  };
  const parsed = (lines: string[]) => lines.map(line => JSON.parse(line) as Record<string, unknown>);

  it('writes one JSON object for each line: a constant message, the fields, and those of the parents', () => {
    const lines = logging('json', logger =>
      logger.child({ controller: 'c', key: 'a' }).child({ key: 'b' }).info('Done', { count: 2 }),
    );
    expect(parsed(lines)[0]).to.include({ level: 'info', message: 'Done', controller: 'c', key: 'b', count: 2 });
    expect(parsed(lines)[0]?.timestamp).to.match(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  for (const format of ['json', 'text'] as const)
    it(`writes no control character of what it quotes, in ${format}`, () => {
      const lines = logging(format, logger => logger.warn('New leader', { leader: '\u001b[2Jroot\u009b\u202e' }));
      expect(lines).to.have.length(1);
      expect(lines[0])
        .to.contain('\\u001b[2Jroot\\u009b\\u202e')
        .and.not.match(/[\p{Cc}\p{Cf}]/u);
    });

  it('continues when its stream fails, such as when the reader of a pipe has gone away', async () => {
    const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    const stream = new Writable({ autoDestroy: false, write: (_chunk, _encoding, done) => done(error) });
    const logger = createLogger({ level: 'info', format: 'json', stream });
    const failed = once(stream, 'error');
    for (let line = 0; line < 3; line += 1) logger.info('Done');
    expect(await failed).to.deep.equal([error]);
  });

  it('writes readable text, always on one line, whatever a field contains', () => {
    const lines = logging('text', logger => logger.warn('Node lost', { key: 'default/alice', why: 'line\nbreak "x"' }));
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/Z WARN {2}Node lost key=default\/alice why="line\\nbreak \\"x\\""$/);
  });

  it('writes the messages of an error and its causes, and none of their properties', () => {
    const cause = Object.assign(new Error('connect refused'), { headers: { authorization: 'Bearer hunter2' } });
    const error = Object.assign(new Error('get pods a/b', { cause }), { body: 'hunter2' });
    const lines = logging('json', logger => logger.error('Failed', { error }));
    expect(parsed(lines)[0]?.error).to.equal('get pods a/b: connect refused');
    expect(lines.join('')).not.to.include('hunter2').and.not.to.include('    at ');
  });

  it('adds the stack of an error only at level debug', () => {
    const lines = logging('json', logger => logger.error('Failed', { error: new Error('x') }), 'debug');
    expect(parsed(lines)[0]?.errorStack).to.include('    at ');
  });

  it('applies a changed level also to children that exist already', () => {
    const lines = logging('json', logger => {
      const child = logger.child({});
      child.debug('hidden');
      logger.setLevel('debug');
      child.debug('shown');
      logger.setLevel('error');
      child.warn('hidden');
    });
    expect(parsed(lines).map(({ message }) => message)).to.deep.equal(['shown']);
    expect(() => createLogger({ level: 'info', format: 'json' }).setLevel('loud')).to.throw(RangeError, 'one of error');
  });

  it('keeps its own message, level and timestamp, whatever the names of fields', () => {
    const fields = { message: 'other', level: 'error', timestamp: 'yesterday' };
    const lines = logging('json', logger => logger.info('Done', fields));
    expect(parsed(lines)[0]).to.include({ message: 'Done', level: 'info' });
    expect(parsed(lines)[0]).to.include({ field_message: 'other', field_level: 'error', field_timestamp: 'yesterday' });
    expect(parsed(lines)[0]?.timestamp).to.match(/Z$/);
  });

  for (const format of ['json', 'text'] as const)
    it(`never throws, and writes in ${format} what it can of fields that JSON cannot represent`, () => {
      const circular: Record<string, unknown> = { name: 'ring', twice: [{ a: 1 }] };
      circular['self'] = circular;
      const cause = Object.assign(new Error('refused'), { headers: 'hunter2' });
      const fields = {
        big: 2n ** 70n,
        inner: { big: 1n, error: cause },
        circular,
        hostile: { toJSON: () => assertNever() },
        broken: Object.assign(new Error('x'), { message: { not: 'text' } }),
        get read(): string {
          return assertNever();
        },
        key: 'default/alice',
      };
      const [line = '', ...others] = logging(format, logger => logger.child({ big: 0n }).info('Done', fields));
      expect(others).to.deep.equal([]);
      for (const said of ['Done', '1180591620717411303424', 'default/alice', 'ring', '[Circular]', 'refused', 'cannot be shown'])
        expect(line).to.include(said);
      expect(line).not.to.include('hunter2');
    });
});

function assertNever(): never {
  throw new Error('cannot be read');
}
