import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { LockHeldError, MachineLock } from '../../tools/machine-lock.ts';

const module = path.resolve(import.meta.dirname, '../../tools/machine-lock.ts');
const name = `test ${process.pid}`;

describe('MachineLock', () => {
  it('is held by one process at a time, and the other is told by whom', async () => {
    const lock = await MachineLock.tryAcquire(name, 'testing');
    const error = await MachineLock.tryAcquire(name, 'testing too').then(
      () => undefined,
      (reason: unknown) => reason,
    );
    await lock.release();
    expect(error).to.be.instanceOf(LockHeldError);
    expect((error as LockHeldError).holder).to.equal(`process ${process.pid} (testing)`);
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
});
