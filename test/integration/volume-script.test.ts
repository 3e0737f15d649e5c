// images/bitcoind/volume.sh, which nodes with a persistent volume start by: which volumes it refuses. It is run with paths of the test.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { volumeScript } from '../../src/bitcoin/resources/volume-script.ts';

describe('The start script of nodes with a persistent volume', () => {
  let folder: string;
  const marker = () => path.join(folder, 'volume', '.bitcoin-controller-chain');
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'volume-script-'));
    mkdirSync(path.join(folder, 'volume'));
    writeFileSync(path.join(folder, 'volume.sh'), volumeScript.replaceAll('/bitcoin/', `${folder}/volume/`));
    writeFileSync(path.join(folder, 'start.sh'), 'printf "started %s %s\\n" "$*" "${BC_VOLUME_CHAIN-unset}"');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function start(chain: string): { readonly status: number | null; readonly output: string } {
    const { status, stdout, stderr } = spawnSync('/bin/sh', [path.join(folder, 'volume.sh'), '-a=1', '-b=2 3'], {
      env: { PATH: process.env.PATH, BC_VOLUME_CHAIN: chain },
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  }

  it('marks an empty volume with the chain, and starts the node with its arguments', () => {
    expect(start('signet 51')).to.deep.equal({ status: 0, output: 'started -a=1 -b=2 3 unset\n' });
    expect(readFileSync(marker(), 'utf8')).to.equal('signet 51\n');
  });

  it('starts the node again with its own volume', () => {
    const [first, second] = [start('regtest'), start('regtest')];
    expect([first.status, second.status]).to.deep.equal([0, 0]);
  });

  it('refuses the volume of another chain or challenge, and names both', () => {
    start('signet 51');
    for (const chain of ['signet 5121aa', 'signet', 'regtest']) {
      const { status, output } = start(chain);
      expect(status).to.equal(1);
      expect(output).to.equal(
        `bitcoind is not started: error: the volume is of another chain: it has signet 51, and the network is of ${chain}\n`,
      );
    }
    expect(readFileSync(marker(), 'utf8')).to.equal('signet 51\n');
  });

  it('takes a mark that a crash left empty for none', () => {
    writeFileSync(marker(), '');
    expect(start('regtest').status).to.equal(0);
    expect(readFileSync(marker(), 'utf8')).to.equal('regtest\n');
  });

  it('says so if it cannot write to the volume', () => {
    rmSync(path.join(folder, 'volume'), { recursive: true });
    const { status, output } = start('regtest');
    expect(status).to.equal(1);
    expect(output).to.equal('bitcoind is not started: the volume cannot be written to by this user\n');
  });
});
