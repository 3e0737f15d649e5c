// The credentials of a network: from the Secret that its spec names, or the defaults if it names none. Before it: reconcile.ts.
// After it: bitcoin/rpc-client.ts takes the credentials, the pod template their version. Read by GET alone, never by list or
// watch: so RBAC can name the Secrets that the controller may read.
import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { V1Secret } from '@kubernetes/client-node';
import { isForbidden, isNotFound } from '../../kube/api-error.ts';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { passwordKey, userKey } from '../../bitcoin/api/names.ts';
import type { Credentials } from '../../bitcoin/rpc/rpc-client.ts';
import { reasons } from '../events/reasons.ts';
import { secrets } from '../resource-types.ts';
import type { KubeClient } from '../../kube/client.ts';

/** What images/bitcoind uses without a Secret; christianb93/bitcoin-controller's defaults, known to everybody. */
export const defaultCredentials: Credentials = { user: 'user', password: 'password' };

export type CredentialsState =
  | {
      readonly isAvailable: true;
      readonly credentials: Credentials;
      /** Changes when the credentials do, and tells nothing about them; undefined for the defaults. */
      readonly version: string | undefined;
      readonly reason: typeof reasons.credentialsFound | typeof reasons.defaultCredentials;
      readonly message: string;
    }
  | {
      readonly isAvailable: false;
      readonly reason:
        typeof reasons.credentialsMissing | typeof reasons.credentialsForbidden | typeof reasons.credentialsInvalid;
      readonly message: string;
    };

const derive = promisify<string, string, number, Buffer>(scrypt);

/** Versions by Secret uid and resourceVersion, since deriving one takes some 50 ms of a core. */
const versions = new Map<string, string>();
const maxVersions = 1_000;

/**
 * Reads the credentials of a network.
 * @throws ApiError if the API server could not be asked; a Secret that is missing, forbidden or unusable is a value, not an error
 */
export async function credentialsFor(
  client: Pick<KubeClient, 'get'>,
  network: BitcoinNetwork,
  signal?: AbortSignal,
): Promise<CredentialsState> {
  const name = network.spec.secret;
  if (!name) {
    const message =
      'spec.secret is empty: the nodes use the publicly known default credentials. Name a Secret there to protect them';
    return {
      isAvailable: true,
      credentials: defaultCredentials,
      version: undefined,
      reason: reasons.defaultCredentials,
      message,
    };
  }
  const { namespace } = network.metadata;
  try {
    return await fromSecret(await client.get(secrets, { namespace, name }, signal === undefined ? {} : { signal }));
  } catch (error) {
    const secret = `Secret ${namespace}/${name}`;
    if (isNotFound(error))
      return { isAvailable: false, reason: reasons.credentialsMissing, message: `${secret} (spec.secret) does not exist` };
    if (!isForbidden(error)) throw error;
    const message = `the controller may not read ${secret} (spec.secret): list its name in the chart's rbac.secretNames`;
    return { isAvailable: false, reason: reasons.credentialsForbidden, message };
  }
}

async function fromSecret(secret: V1Secret): Promise<CredentialsState> {
  const label = `Secret ${secret.metadata?.namespace ?? ''}/${secret.metadata?.name ?? ''}`;
  const values: string[] = [];
  for (const key of [userKey, passwordKey]) {
    const encoded = secret.data?.[key];
    if (encoded === undefined)
      return { isAvailable: false, reason: reasons.credentialsMissing, message: `${label} has no key ${key}` };
    const value = textOf(encoded);
    const fault = value === undefined ? 'is not valid UTF-8, which a container cannot be given' : faultOf(key, value);
    if (value === undefined || fault !== undefined)
      return { isAvailable: false, reason: reasons.credentialsInvalid, message: `${label}: ${key} ${fault}` };
    values.push(value);
  }
  const [user = '', password = ''] = values;
  const version = await versionOf(secret, user, password);
  return {
    isAvailable: true,
    credentials: { user, password },
    version,
    reason: reasons.credentialsFound,
    message: `${label} holds the credentials`,
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A value without the one line break that an editor may have left at its end, as the start script of images/bitcoind takes it; undefined if it is no text. */
function textOf(encoded: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(encoded, 'base64')).replace(/\n$/, '').replace(/\r$/, '');
  } catch {
    return undefined;
  }
}

/** What bitcoin.conf or HTTP basic authentication cannot hold; the start script of images/bitcoind refuses the same. */
function faultOf(key: string, value: string): string | undefined {
  if (value === '') return 'is empty';
  if (/[\r\n\0]/.test(value)) return 'has a line break in it, which bitcoin.conf cannot hold';
  if (value.includes('#')) return 'has a "#" in it, which starts a comment in bitcoin.conf';
  if (/^\s|\s$/.test(value)) return 'starts or ends with a blank, which bitcoin.conf drops';
  if (key === userKey && value.includes(':')) return 'has a ":" in it, which separates user and password';
  return undefined;
}

async function versionOf(secret: V1Secret, user: string, password: string): Promise<string> {
  const { uid = '', resourceVersion = '', namespace = '', name = '' } = secret.metadata ?? {};
  const key = `${uid}/${resourceVersion}`;
  const known = versions.get(key);
  if (known !== undefined) return known;
  // Slow on purpose: whoever may read pods must not find a weak password by trying. The salt is the Secret's name, so that a Secret
  // deleted and restored with the same content rolls no pod.
  const version = (await derive(`${user}\n${password}`, `${namespace}/${name}`, 15)).toString('base64url');
  if (versions.size >= maxVersions) versions.clear();
  versions.set(key, version);
  return version;
}
