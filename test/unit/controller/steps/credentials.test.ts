import { expect } from 'chai';
import type { V1Secret } from '@kubernetes/client-node';
import { credentialsFor } from '../../../../src/controller/steps/credentials.ts';
import type { KubeClient } from '../../../../src/kube/client.ts';
import { network } from '../../../support/builders.ts';

describe('credentialsFor', () => {
  /** What a Secret with these values, as bytes, comes to. */
  async function found(user: string | Buffer | undefined, password: string | Buffer = 'hidden-word') {
    const encoded = (value: string | Buffer) => Buffer.from(value as string).toString('base64');
    const data = {
      ...(user === undefined ? {} : { BC_RPC_USER: encoded(user) }),
      BC_RPC_PASSWORD: encoded(password),
    };
    const secret: V1Secret = { metadata: { namespace: 'default', name: 's', uid: 'u', resourceVersion: '1' }, data };
    const client = { get: () => Promise.resolve(secret) } as unknown as KubeClient;
    return credentialsFor(client, network({ secret: 's' }));
  }

  it('takes a value without the line break that an editor left at its end, in either form', async () => {
    for (const user of ['alice', 'alice\n', 'alice\r\n']) {
      const state = await found(user);
      expect(state.isAvailable && state.credentials).to.deep.equal({ user: 'alice', password: 'hidden-word' });
    }
  });

  for (const [what, user, reason, message] of [
    ['no key', undefined, 'CredentialsMissing', 'Secret default/s has no key BC_RPC_USER'],
    ['an empty value', '', 'CredentialsInvalid', 'Secret default/s: BC_RPC_USER is empty'],
    ['a line break alone', '\r\n', 'CredentialsInvalid', 'Secret default/s: BC_RPC_USER is empty'],
    ['two line breaks', 'alice\n\n', 'CredentialsInvalid', 'BC_RPC_USER has a line break in it'],
    ['a colon in the user', 'a:b', 'CredentialsInvalid', 'BC_RPC_USER has a ":" in it'],
    ['a blank at the end', 'alice ', 'CredentialsInvalid', 'BC_RPC_USER starts or ends with a blank'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe]), 'CredentialsInvalid', 'BC_RPC_USER is not valid UTF-8'],
  ] as const)
    it(`refuses ${what}, names the key, and never says the password`, async () => {
      const state = await found(user);
      expect(state.isAvailable).to.equal(false);
      expect(state.reason).to.equal(reason);
      expect(state.message).to.include(message).and.not.include('hidden-word');
    });
});
