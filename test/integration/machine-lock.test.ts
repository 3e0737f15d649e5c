import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect } from 'chai';
import { LockHeldError, MachineLock } from '../../tools/machine-lock.ts';

const module = path.resolve(import.meta.dirname, '../../tools/machine-lock.ts');
const name = `test ${process.pid}`;

const heldError = async (): Promise<LockHeldError> => {
  const error = await MachineLock.tryAcquire(name, 'testing too').catch((reason: unknown) => reason);
  expect(error).to.be.instanceOf(LockHeldError);
  return error as LockHeldError;
};

describe('MachineLock', () => {
  it('is held by one process at a time, and reports the holder to the other', async () => {
    const lock = await MachineLock.tryAcquire(name, 'testing');
    const error = await heldError();
    await lock.release();
    expect(error.holder).to.equal(`process ${process.pid} (testing)`);
  });

  it('shows at most 200 printable characters of its holder', async () => {
    const lock = await MachineLock.tryAcquire(name, `\x1b]0;title\x07 a\nb ${'x'.repeat(10_000)}`);
    const { holder, message } = await heldError();
    await lock.release();
    expect(holder)
      .to.match(/^process \d+ \( \]0;title {2}a b x+$/)
      .and.to.have.lengthOf.at.most(200);
    expect(message).not.to.match(/[\0-\x1f\x7f]/);
  });

  it('goes to a waiter when it is released', async () => {
    const first = await MachineLock.tryAcquire(name, 'first');
    const holders: string[] = [];
    const second = MachineLock.acquire(name, 'second', holder => {
      holders.push(holder);
      void first.release();
    });
    await (await second).release();
    expect(holders).to.deep.equal([`process ${process.pid} (first)`]);
  });

  it('goes to a waiter when its holder is killed', async () => {
    const code = `const { MachineLock } = await import(${JSON.stringify(module)}); await MachineLock.tryAcquire(${JSON.stringify(name)}, 'child'); console.log('held'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const lock = await MachineLock.acquire(name, 'after it', () => child.kill('SIGKILL'));
    await lock.release();
  });

  it('does not keep a process alive that has not released it', async () => {
    const code = `const { MachineLock } = await import(${JSON.stringify(module)}); await MachineLock.tryAcquire(${JSON.stringify(name)}, 'child');`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'inherit' });
    expect(await once(child, 'exit')).to.deep.equal([0, null]);
    await (await MachineLock.acquire(name, 'after it', () => undefined)).release();
  });
});
