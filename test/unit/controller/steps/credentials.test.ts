import { expect } from 'chai';
import type { V1Secret, V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { type CredentialsState, NetworkCredentials, type PodCredentials } from '../../../../src/controller/steps/credentials.ts';
import { ApiError } from '../../../../src/kube/api-error.ts';
import { PerObject } from '../../../../src/runtime/per-object.ts';
import { network, statefulSetOf } from '../../../support/builders.ts';

const pods = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };
const encoded = (value: string | Buffer): string => Buffer.from(value as string).toString('base64');

/** One process of the controller: the credentials that it reads, and what it remembers of each network. */
class Process {
  readonly #credentials: NetworkCredentials;
  readonly #pods = new PerObject<PodCredentials, BitcoinNetwork>(() => ({}));

  constructor(credentials: NetworkCredentials) {
    this.#credentials = credentials;
  }

  of(of: BitcoinNetwork, current: V1StatefulSet | undefined, signal?: AbortSignal): Promise<CredentialsState> {
    return this.#credentials.of(of, this.#pods.of(of), current, signal);
  }

  read(of: BitcoinNetwork): Promise<CredentialsState> {
    return this.#credentials.read(of, new AbortController().signal);
  }

  reject(of: BitcoinNetwork): void {
    this.#credentials.reject(of, this.#pods.of(of));
  }

  forget(key: string): void {
    this.#pods.forget(key);
  }
}

/** An API server that has one Secret, or answers with an error. */
class Secrets {
  readonly reads: string[] = [];
  nowMs = 0;
  answer: V1Secret | Error = new ApiError('GET Secret', 404, { reason: 'NotFound' });
  readonly #holds: (() => void)[] = [];
  isHeld = false;

  set(user: string, password: string, resourceVersion: string, uid = 'u'): void {
    const metadata = { namespace: 'default', name: 's', uid, resourceVersion };
    this.answer = { metadata, data: { BC_RPC_USER: encoded(user), BC_RPC_PASSWORD: encoded(password) } };
  }

  async get({ namespace, name }: { namespace?: string; name: string }): Promise<V1Secret> {
    this.reads.push(`${namespace ?? ''}/${name}`);
    if (this.isHeld) await new Promise<void>(resolve => this.#holds.push(resolve));
    if (this.answer instanceof Error) throw this.answer;
    return this.answer;
  }

  release(): void {
    this.isHeld = false;
    for (const resolve of this.#holds.splice(0)) resolve();
  }

  /** What a process that has just started knows of it. */
  process(): Process {
    const client = { get: (_type: unknown, ref: { name: string }) => this.get(ref) } as unknown as { get: never };
    return new Process(new NetworkCredentials({ client, maxAgeMs: 60_000, now: () => this.nowMs }));
  }
}

const alice = network({ secret: 's' });
const withVersion = (version: string | undefined, secret = 's'): V1StatefulSet =>
  statefulSetOf(network({ secret }), version, pods);

/** Of the present credentials, and then of the previous ones. */
const passwordsOf = ({ credentials, previous = [] }: CredentialsState): (string | undefined)[] =>
  [credentials, ...previous].map(each => each?.password);

describe('NetworkCredentials', () => {
  let secrets: Secrets;
  beforeEach(() => {
    secrets = new Secrets();
    secrets.set('alice', 'hidden-word', '1');
  });

  /** What the pods are given. */
  async function versionOf(credentials: Process, current?: string): Promise<string | undefined> {
    const state = await credentials.of(alice, current === undefined ? undefined : withVersion(current));
    return state.isAvailable ? state.version : undefined;
  }

  describe('the values of a Secret', () => {
    it('name other keys of the Secret, never their values, and at most ten', async () => {
      const others = Object.fromEntries(
        Array.from({ length: 12 }, (_, index) => [`KEY_${index + 10}`, encoded(`value-${index}`)]),
      );
      secrets.answer = { ...(secrets.answer as V1Secret), data: { ...(secrets.answer as V1Secret).data, ...others } };
      const { isAvailable, reason, message } = await secrets.process().of(alice, undefined);
      expect([isAvailable, reason]).to.deep.equal([true, 'SecretHasOtherKeys']);
      expect(message).to.include('environment variables: KEY_10, ').and.include('KEY_19 and 2 more').and.not.include('value-');
    });

    const withPrevious = (data: Record<string, string>): void => {
      const secret = secrets.answer as V1Secret;
      secrets.answer = { ...secret, data: { ...secret.data, ...data } };
    };

    it('may include the credentials before, which are no other keys', async () => {
      withPrevious({ BC_RPC_USER_PREVIOUS: encoded('alice'), BC_RPC_PASSWORD_PREVIOUS: encoded('former-word') });
      const state = await secrets.process().of(alice, undefined);
      expect(state.reason).to.equal('CredentialsFound');
      expect(state.isAvailable && state.previous).to.deep.equal([
        { user: 'alice', password: 'former-word' },
        { user: 'user', password: 'password' },
      ]);
    });

    it('are refused with one of the two keys of the credentials before', async () => {
      withPrevious({ BC_RPC_USER_PREVIOUS: encoded('alice') });
      const { reason, message } = await secrets.process().of(alice, undefined);
      expect(reason).to.equal('CredentialsMissing');
      expect(message).to.equal(
        'Secret default/s has no key BC_RPC_PASSWORD_PREVIOUS: BC_RPC_USER_PREVIOUS and BC_RPC_PASSWORD_PREVIOUS belong together',
      );
    });

    it('are remembered when they change, so that nodes can be asked with them until they are restarted', async () => {
      const credentials = secrets.process();
      await credentials.of(alice, undefined);
      secrets.set('alice', 'new-word', '2');
      secrets.nowMs += 60_000;
      const state = await credentials.of(alice, withVersion('u.1'));
      expect(passwordsOf(state)).to.deep.equal(['new-word', 'hidden-word', 'password']);
    });

    it('are remembered when they change twice before all nodes are restarted, and before those that the Secret names', async () => {
      const credentials = secrets.process();
      await credentials.of(alice, undefined);
      for (const [version, word] of [
        ['2', 'second-word'],
        ['3', 'third-word'],
      ] as const) {
        secrets.set('alice', word, version);
        withPrevious({ BC_RPC_USER_PREVIOUS: encoded('alice'), BC_RPC_PASSWORD_PREVIOUS: encoded('stale-word') });
        secrets.nowMs += 60_000;
        await credentials.of(alice, withVersion('u.1'));
      }
      const state = await credentials.of(alice, withVersion('u.1'));
      expect(passwordsOf(state)).to.deep.equal(['third-word', 'second-word', 'hidden-word', 'stale-word', 'password']);
    });

    it('are the defaults for the nodes of a network that names a Secret only now, also for a process that did not see it', async () => {
      const state = await secrets.process().of(alice, withVersion(undefined));
      expect(passwordsOf(state)).to.deep.equal(['hidden-word', 'password']);
    });

    it('are the defaults also for nodes whose blocks are read for another network', async () => {
      expect(passwordsOf(await secrets.process().read(alice))).to.deep.equal(['hidden-word', 'password']);
    });

    it('are remembered when the network names no Secret any more', async () => {
      const credentials = secrets.process();
      await credentials.of(alice, undefined);
      const state = await credentials.of(network({ secret: '' }), withVersion('u.1'));
      expect(passwordsOf(state)).to.deep.equal(['password', 'hidden-word']);
    });

    /** What a Secret with these values, as bytes, comes to. */
    async function found(user: string | Buffer | undefined, password: string | Buffer = 'hidden-word') {
      const data = {
        ...(user === undefined ? {} : { BC_RPC_USER: encoded(user) }),
        BC_RPC_PASSWORD: encoded(password),
      };
      secrets.answer = { metadata: { namespace: 'default', name: 's', uid: 'u', resourceVersion: '1' }, data };
      return secrets.process().of(alice, undefined);
    }

    it('are taken without the line break that an editor left at their end, in either form', async () => {
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
      ['more than a header holds', 'a'.repeat(4_096), 'CredentialsInvalid', 'together are longer than 4096 bytes'],
    ] as const)
      it(`are refused with ${what}; the message names the key and not the password`, async () => {
        const state = await found(user);
        expect(state.isAvailable).to.equal(false);
        expect(state.reason).to.equal(reason);
        expect(state.message).to.include(message).and.not.include('hidden-word');
      });

    it('are refused with a colon in the password, which no node starts with', async () => {
      const state = await found('alice', 'hidden-word:1');
      expect(state).to.include({ isAvailable: false, reason: 'CredentialsInvalid' });
      expect(state.message).to.include('BC_RPC_PASSWORD has a ":" in it').and.not.include('hidden-word');
    });
  });

  describe('the version that pods carry', () => {
    it('is that of the Secret, and does not depend on what is in it', async () => {
      expect(await versionOf(secrets.process())).to.equal('u.1');
      secrets.set('bob', 'other', '1');
      expect(await versionOf(secrets.process())).to.equal('u.1');
    });

    it('changes when the credentials do', async () => {
      const credentials = secrets.process();
      await versionOf(credentials);
      secrets.set('alice', 'changed', '2');
      secrets.nowMs += 60_000;
      expect(await versionOf(credentials, 'u.1')).to.equal('u.2');
    });

    it('stays when the Secret was edited, or deleted and restored, with the same credentials', async () => {
      const credentials = secrets.process();
      await versionOf(credentials);
      secrets.answer = new ApiError('GET Secret', 404, { reason: 'NotFound' });
      secrets.nowMs += 60_000;
      expect(await versionOf(credentials, 'u.1')).to.equal(undefined);
      secrets.set('alice', 'hidden-word', '7', 'restored');
      secrets.nowMs += 60_000;
      expect(await versionOf(credentials, 'u.1')).to.equal('u.1');
      secrets.nowMs += 60_000;
      credentials.reject(alice);
      expect(await versionOf(credentials, 'u.1')).to.equal('u.1');
      secrets.set('alice', 'changed', '8', 'restored');
      secrets.nowMs += 60_000;
      expect(await versionOf(credentials, 'u.1')).to.equal('restored.8');
    });

    for (const [what, running] of [
      ['an earlier version of this controller derived from the credentials', 'w7Vh0uDAnnRrKqkVZg2Z'],
      ['an earlier process took from another write of the Secret', 'u.0'],
    ] as const)
      it(`stays as ${what}, unless a node refuses the credentials`, async () => {
        const credentials = secrets.process();
        expect(await versionOf(credentials, running)).to.equal(running);
        secrets.nowMs += 60_000;
        expect(await versionOf(credentials, running)).to.equal(running);
        credentials.reject(alice);
        expect(await versionOf(credentials, running)).to.equal('u.1');
        // The other nodes refuse them until they are rolled.
        credentials.reject(alice);
        expect(await versionOf(credentials, 'u.1')).to.equal('u.1');
      });

    it('is that of the Secret for a network that had another Secret, or none', async () => {
      for (const current of [withVersion('other.3', 'other'), statefulSetOf(network(), undefined, pods)]) {
        const state = await secrets.process().of(alice, current);
        expect(state.isAvailable && state.version).to.equal('u.1');
      }
    });

    it('is none with the default credentials, for which no Secret is read', async () => {
      const state = await secrets.process().of(network(), undefined);
      expect(state).to.deep.include({ isAvailable: true, version: undefined, reason: 'DefaultCredentials' });
      expect(secrets.reads).to.deep.equal([]);
    });

    it('is forgotten with the network', async () => {
      const credentials = secrets.process();
      await versionOf(credentials);
      secrets.set('alice', 'hidden-word', '2');
      secrets.nowMs += 60_000;
      credentials.forget('default/alice');
      expect(await versionOf(credentials)).to.equal('u.2');
    });
  });

  describe('the Secret', () => {
    it('is read again for a network that has no StatefulSet yet, so that none starts with a deleted Secret', async () => {
      const credentials = secrets.process();
      await credentials.of(alice, undefined);
      secrets.nowMs += 200;
      secrets.answer = new ApiError('GET Secret', 404, { reason: 'NotFound' });
      const bob = network({ secret: 's' }, { name: 'bob', uid: 'b' });
      expect((await credentials.of(bob, undefined)).reason).to.equal('CredentialsMissing');
    });

    it('is read once for all networks that name it, and again when it is old', async () => {
      const credentials = secrets.process();
      secrets.isHeld = true;
      const names = ['a', 'b', 'c'];
      const all = Promise.all(names.map(name => credentials.of(network({ secret: 's' }, { name, uid: name }), undefined)));
      secrets.release();
      expect((await all).map(({ isAvailable }) => isAvailable)).to.deep.equal([true, true, true]);
      secrets.nowMs += 59_999;
      await versionOf(credentials, 'u.1');
      expect(secrets.reads).to.deep.equal(['default/s']);
      secrets.nowMs += 1;
      await versionOf(credentials, 'u.1');
      expect(secrets.reads).to.have.length(2);
    });

    it('is read again when a node refuses the credentials, but not for each of many refusals', async () => {
      const credentials = secrets.process();
      await versionOf(credentials);
      for (let ms = 0; ms < 20_000; ms += 100) {
        secrets.nowMs += 100;
        credentials.reject(alice);
        await versionOf(credentials, 'u.1');
      }
      expect(secrets.reads).to.have.length(1 + 20_000 / 5_000);
    });

    it('is read again within a second when it was missing, forbidden or unusable', async () => {
      for (const answer of [
        new ApiError('GET Secret', 404, { reason: 'NotFound' }),
        new ApiError('GET Secret', 403, { reason: 'Forbidden' }),
        { metadata: { uid: 'u', resourceVersion: '1' }, data: {} },
      ]) {
        secrets.answer = answer;
        const credentials = secrets.process();
        expect((await credentials.of(alice, undefined)).isAvailable).to.equal(false);
        secrets.set('alice', 'hidden-word', '2');
        secrets.nowMs += 1_000;
        expect((await credentials.of(alice, undefined)).isAvailable).to.equal(true);
      }
    });

    it('is read again after an error of the API server, which is thrown', async () => {
      const credentials = secrets.process();
      secrets.answer = new Error('no connection');
      const failed = await credentials.of(alice, undefined).catch((error: unknown) => error);
      expect(failed).to.be.an('error').with.property('message', 'no connection');
      secrets.set('alice', 'hidden-word', '1');
      expect((await credentials.of(alice, undefined)).isAvailable).to.equal(true);
    });

    it('keeps no reconcile waiting that is stopped, and is read to the end for the others', async () => {
      const credentials = secrets.process();
      secrets.isHeld = true;
      const stop = new AbortController();
      const stopped = credentials.of(alice, undefined, stop.signal).catch((error: unknown) => error);
      const other = credentials.of(network({ secret: 's' }, { name: 'bob', uid: 'b' }), undefined, new AbortController().signal);
      stop.abort(new Error('stopped'));
      expect(await stopped)
        .to.be.an('error')
        .with.property('message', 'stopped');
      secrets.release();
      expect((await other).isAvailable).to.equal(true);
      expect(secrets.reads).to.have.length(1);
    });
  });
});
