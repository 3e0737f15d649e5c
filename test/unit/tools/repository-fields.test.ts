import { expect } from 'chai';
import { repositoryFields } from '../../../tools/repository-fields.ts';

const fields = {
  repository: { type: 'git', url: 'git+https://git.example/alice/bitcoin-controller.git' },
  homepage: 'https://git.example/alice/bitcoin-controller#readme',
  bugs: { url: 'https://git.example/alice/bitcoin-controller/issues' },
};

describe('repositoryFields', () => {
  for (const remote of [
    'https://git.example/alice/bitcoin-controller',
    'https://git.example/alice/bitcoin-controller.git',
    'https://git.example/alice/bitcoin-controller/',
    'ssh://git@git.example/alice/bitcoin-controller.git',
    'git://git.example/alice/bitcoin-controller.git',
    'git@git.example:alice/bitcoin-controller.git',
  ])
    it(`names the page and the repository of ${remote}`, () => {
      expect(repositoryFields(remote)).to.deep.equal(fields);
    });

  it('keeps the port of an address by https alone', () => {
    const pageOf = (remote: string) => repositoryFields(remote)?.homepage;
    expect(pageOf('https://git.example:8443/alice/x.git')).to.equal('https://git.example:8443/alice/x#readme');
    expect(pageOf('ssh://git@git.example:2222/alice/x.git')).to.equal('https://git.example/alice/x#readme');
  });

  it('leaves the user name and password of an address out', () => {
    expect(repositoryFields('https://alice:secret@git.example/alice/bitcoin-controller.git')).to.deep.equal(fields);
  });

  for (const remote of ['', '/srv/git/bitcoin-controller', '../bitcoin-controller', 'file:///srv/bitcoin-controller.git'])
    it(`gives no fields for ${remote === '' ? 'no remote' : remote}, which others cannot reach`, () => {
      expect(repositoryFields(remote)).to.equal(undefined);
    });
});
