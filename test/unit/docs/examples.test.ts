import path from 'node:path';
import { expect } from 'chai';
import { CommandFailedError, run } from '../../../tools/command.ts';
import { thrownBy } from '../../support/fakes/fake-api-server.ts';

const runner = path.resolve(import.meta.dirname, '..', '..', '..', 'tools', 'example.ts');
const example = async (...args: string[]): Promise<string[]> =>
  (await run(process.execPath, [runner, ...args])).trimEnd().split('\n');

describe('the examples that need no cluster', function () {
  this.timeout(20_000);

  it('show that a watcher which pushes has an event at once, and one that is read has it when it is read', async () => {
    expect(await example('broadcaster')).to.deep.equal([
      'at once 901000',
      'at once 901001',
      'at once 901002',
      'in its own time MODIFIED 901000',
      'in its own time MODIFIED 901001',
      'in its own time MODIFIED 901002',
    ]);
  });

  it('show that similar events become one, repeated ones a count, and that what is held back is written in the end', async () => {
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
    expect(await example('event-storm')).to.deep.equal([
      ...upTo(9).map(probe => `create 1 probe ${probe} failed`),
      'create 1 (combined from similar events): probe 10 failed',
      ...upTo(10).map(repetition => `patch  ${repetition + 1} (combined from similar events): probe ${repetition + 10} failed`),
      'create 1 restarting it',
      ...upTo(4).map(repetition => `patch  ${repetition + 1} restarting it`),
      'recorded 50, written 25, aggregated 11, held back 25',
      'patch  30 restarting it',
      'after shutdown: delivered 50 in 26 writes',
    ]);
  });

  it('are listed when there is none of that name', async () => {
    const names = 'NAME is one of broadcaster, event-storm, unlabelled-config-maps\n';
    const error = await thrownBy(example('none'));
    expect(error).to.be.instanceOf(CommandFailedError);
    expect((error as CommandFailedError).output).to.match(new RegExp(`${names}$`));
    expect((await example('--help')).join('\n')).to.match(new RegExp(`${names.trimEnd()}$`));
  });
});

describe('the example controller', () => {
  it('refuses an option that it does not have, and names it', async () => {
    const error = await thrownBy(example('unlabelled-config-maps', '--lable', 'app'));
    expect((error as CommandFailedError).output).to.include("Unknown option '--lable'");
  }).timeout(20_000);
});
