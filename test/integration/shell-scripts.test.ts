// shellcheck on the shell scripts.
import path from 'node:path';
import { run } from '../../tools/command.ts';
import { providePrograms } from '../../tools/programs.ts';

const root = path.resolve(import.meta.dirname, '..', '..');

for (const script of ['images/bitcoind/start.sh', 'images/bitcoind/rpcauth.sh', '.ci/run'])
  describe(script, () => {
    it('passes shellcheck', async function () {
      this.timeout(0);
      const { shellcheck } = await providePrograms(['shellcheck']);
      await run(shellcheck, [script], { cwd: root });
    });
  });
