// NetworkCredentials: the credentials of each network, from the Secret that its spec names, or the defaults if it names none; and the
// version of them that its pod template carries, so that pods are rolled when the credentials change and only then.
import type { V1Secret, V1StatefulSet } from '@kubernetes/client-node';
import { isForbidden, isNotFound } from '../../kube/api-error.ts';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { credentialsAnnotation, passwordKey, previousPasswordKey, previousUserKey, userKey } from '../../bitcoin/api/names.ts';
import { secretOf } from '../../bitcoin/resources/stateful-set.ts';
import { credentialFault, maxCredentialsBytes } from '../../bitcoin/rpc/credential-rules.ts';
import type { Credentials } from '../../bitcoin/rpc/rpc-client.ts';
import type { KubeClient } from '../../kube/client.ts';
import { reasons } from '../events/reasons.ts';
import { RpcAuthSecrets, rpcAuthReferenceOf } from './rpc-auth.ts';
import { SecretCache, type SecretReference } from './secret-cache.ts';
import { firstNames } from '../../logging/short-text.ts';

/** What images/bitcoind uses without a Secret; christianb93/bitcoin-controller's defaults, which are publicly known. */
export const defaultCredentials: Credentials = { user: 'user', password: 'password' };

interface Available {
  readonly isAvailable: true;
  readonly credentials: Credentials;
  /** Those before, the latest first: nodes have them until they are restarted. Default: none are known. */
  readonly previous?: readonly Credentials[];
  /**
   * Changes when the credentials of the nodes do; undefined for the defaults. It names a version of the Secret, and nothing of it follows
   * from its content. With `spec.rpcAuth` it is a digest of the hashes.
   */
  readonly version: string | undefined;
  readonly reason: typeof reasons.credentialsFound | typeof reasons.secretHasOtherKeys | typeof reasons.defaultCredentials;
  readonly message: string;
}

interface Unavailable {
  readonly isAvailable: false;
  readonly reason: typeof reasons.credentialsMissing | typeof reasons.credentialsForbidden | typeof reasons.credentialsInvalid;
  readonly message: string;
  /** Those that running nodes may take although no new node may be started: with `spec.rpcAuth` only the hashes are at fault. */
  readonly credentials?: Credentials;
  readonly previous?: readonly Credentials[];
}

export type CredentialsState = Available | Unavailable;

/** A usable Secret. `version` is that of the Secret: it changes with any write to it. */
type SecretState = (Available & { readonly version: string }) | Unavailable;

/** The credentials of one network's pods, as far as this process knows them. Only NetworkCredentials reads and writes it. */
export interface PodCredentials {
  secret?: string;
  credentials?: Credentials;
  /** The last ones that were different, the latest first. */
  previous?: readonly Credentials[];
  version?: string;
  /** Whether the version is known to be of these credentials; if not, an earlier process gave it to the pods, and they may be of others. */
  isKnown?: boolean;
  isRejected?: boolean;
}

/** Credentials that were changed once more before all nodes had them are remembered as well. */
const maxRemembered = 2;
/** While a Secret is missing or unusable it is read as often as networks are reconciled, but not more often than this. */
const unavailableMaxAgeMs = 1_000;
/** Nodes keep refusing the credentials while they are rolled. */
const rejectedMinAgeMs = 5_000;
/** What does not fit together may have been read before and after a change: the older one is read again. */
const mismatchMinAgeMs = 1_000;
/** A network without a StatefulSet reads its Secret again if it is older than this: many networks may start at once with one Secret. */
const startMinAgeMs = 200;

export interface NetworkCredentialsOptions {
  readonly client: Pick<KubeClient, 'get'>;
  /** A Secret that was read is read again once it is older. */
  readonly maxAgeMs: number;
  /** The monotonic time. Default: performance.now. */
  readonly now?: () => number;
}

export class NetworkCredentials {
  readonly #secrets: SecretCache<SecretState>;
  readonly #rpcAuth: RpcAuthSecrets;

  constructor({ client, maxAgeMs: usableMaxAgeMs, now }: NetworkCredentialsOptions) {
    const maxAgeMs = (isUsable: boolean) => (isUsable ? usableMaxAgeMs : Math.min(usableMaxAgeMs, unavailableMaxAgeMs));
    const options = { client, ...(now === undefined ? {} : { now }) };
    this.#secrets = new SecretCache({ ...options, interpret, maxAgeMs: ({ isAvailable }) => maxAgeMs(isAvailable) });
    this.#rpcAuth = new RpcAuthSecrets({ ...options, maxAgeMs });
  }

  /**
   * The credentials of a network.
   * @param pods what is remembered of the network; `{}` at first
   * @param current its StatefulSet, undefined if it has none
   * @throws ApiError if the API server did not answer; a Secret that is missing, forbidden or unusable is a value, not an error
   */
  async of(
    network: BitcoinNetwork,
    pods: PodCredentials,
    current: V1StatefulSet | undefined,
    signal?: AbortSignal,
  ): Promise<CredentialsState> {
    const reference = referenceOf(network);
    if (reference === undefined) {
      remember(pods, { secret: undefined, credentials: defaultCredentials, version: undefined, isKnown: true });
      return { ...withoutSecret, previous: previousOf(withoutSecret, pods) };
    }
    // The first nodes of a network must not start with the credentials of a Secret that was deleted meanwhile.
    if (current === undefined) this.#expire(network, startMinAgeMs);
    if (network.spec.rpcAuth !== undefined) return this.#hashed(network, reference, pods, signal);
    const state = await this.#secrets.read(reference, signal);
    if (!state.isAvailable) return state;
    const version = versionFor(network, pods, current, state);
    return { ...state, version, previous: previousOf(state, pods) };
  }

  /** As `of`, for a network whose pods are of no concern, as one whose blocks are read. */
  async read(network: BitcoinNetwork, signal: AbortSignal): Promise<CredentialsState> {
    const reference = referenceOf(network);
    if (reference === undefined) return withoutSecret;
    const state = await this.#secrets.read(reference, signal);
    return state.isAvailable ? { ...state, previous: previousOf(state, {}) } : state;
  }

  /** Call when a node refuses the credentials: the Secret is read again, and the pods are rolled if they may have others. */
  reject(network: BitcoinNetwork, pods: PodCredentials): void {
    const reference = referenceOf(network);
    if (reference === undefined) return;
    this.#expire(network, rejectedMinAgeMs);
    pods.isRejected = true;
  }

  /** The credentials of nodes that have hashes of them. */
  async #hashed(
    network: BitcoinNetwork,
    reference: SecretReference,
    pods: PodCredentials,
    signal: AbortSignal | undefined,
  ): Promise<CredentialsState> {
    const read = async () => {
      const state = await this.#secrets.read(reference, signal);
      return { state, hashes: state.isAvailable ? await this.#rpcAuth.of(network, state.credentials, signal) : undefined };
    };
    let { state, hashes } = await read();
    if (hashes !== undefined && 'fault' in hashes) {
      this.#expire(network, mismatchMinAgeMs);
      ({ state, hashes } = await read());
    }
    if (!state.isAvailable || hashes === undefined) return state;
    const { credentials } = state;
    remember(pods, { secret: network.spec.secret, credentials, version: undefined, isKnown: true });
    const previous = previousOf(state, pods);
    if ('fault' in hashes) return { isAvailable: false, ...hashes.fault, credentials, previous };
    const { namespace } = reference;
    const message = `Secret ${namespace}/${reference.name} holds the credentials, and Secret ${namespace}/${rpcAuthReferenceOf(network)?.name} their hashes for the nodes`;
    return {
      isAvailable: true,
      credentials,
      previous,
      version: `rpcauth.${hashes.digest}`,
      reason: reasons.credentialsFound,
      message,
    };
  }

  #expire(network: BitcoinNetwork, minAgeMs: number): void {
    const reference = referenceOf(network);
    if (reference !== undefined) this.#secrets.expire(reference, minAgeMs);
    this.#rpcAuth.expire(network, minAgeMs);
  }
}

/**
 * The version of the pods' credentials if these have not changed, else the version of the Secret. A process that has just started cannot
 * know whether a Secret that was written meanwhile has other credentials: the pods keep theirs unless a node refuses them.
 */
function versionFor(
  network: BitcoinNetwork,
  remembered: PodCredentials,
  current: V1StatefulSet | undefined,
  secret: Available & { readonly version: string },
): string {
  const { secret: name } = network.spec;
  const running = secretOf(current) === name ? versionOf(current) : undefined;
  const before = remembered.secret === name ? remembered : undefined;
  const isSame = before !== undefined && isEqual(before.credentials, secret.credentials);
  const isWrong = remembered.isRejected === true && before?.isKnown === false;
  const kept = before === undefined ? running : isSame ? before.version : undefined;
  const version = isWrong ? secret.version : (kept ?? secret.version);
  const isKnown = version === secret.version || (isSame && before.isKnown === true);
  remember(remembered, { secret: name, credentials: secret.credentials, version, isKnown });
  return version;
}

function remember(
  pods: PodCredentials,
  now: { secret: string | undefined; credentials: Credentials; version: string | undefined; isKnown: boolean },
): void {
  // Of whichever Secret: the pods have had them.
  const before = [pods.credentials, ...(pods.previous ?? [])].filter(each => each !== undefined);
  pods.previous = before.filter(each => !isEqual(each, now.credentials)).slice(0, maxRemembered);
  Object.assign(pods, { ...now, isRejected: false });
}

/**
 * What nodes may have that refuse the credentials: what this process knows that they had, what the Secret says, and the defaults, of before the
 * network named a Secret.
 */
function previousOf(
  { credentials, previous = [] }: Pick<Available, 'credentials' | 'previous'>,
  pods: PodCredentials,
): readonly Credentials[] {
  const all = [...(pods.previous ?? []), ...previous, defaultCredentials];
  return all.filter((each, index) => !isEqual(each, credentials) && all.findIndex(other => isEqual(other, each)) === index);
}

const referenceOf = ({ metadata: { namespace }, spec }: BitcoinNetwork): SecretReference | undefined =>
  spec.secret ? { namespace, name: spec.secret } : undefined;

const versionOf = (statefulSet: V1StatefulSet | undefined): string | undefined =>
  statefulSet?.spec?.template.metadata?.annotations?.[credentialsAnnotation];

const isEqual = (one: Credentials | undefined, other: Credentials): boolean =>
  one?.user === other.user && one.password === other.password;

const withoutSecret: Available = {
  isAvailable: true,
  credentials: defaultCredentials,
  version: undefined,
  reason: reasons.defaultCredentials,
  message: 'spec.secret is empty: the nodes use the publicly known default credentials. Name a Secret there to protect them',
};

function interpret(
  answer: { readonly secret: V1Secret } | { readonly error: unknown },
  { namespace, name }: SecretReference,
): SecretState {
  const label = `Secret ${namespace}/${name}`;
  if ('secret' in answer) return fromSecret(answer.secret, label);
  const { error } = answer;
  if (isNotFound(error))
    return { isAvailable: false, reason: reasons.credentialsMissing, message: `${label} (spec.secret) does not exist` };
  if (!isForbidden(error)) throw error;
  const message = `the controller may not read ${label} (spec.secret): list its name in the chart's rbac.secretNames`;
  return { isAvailable: false, reason: reasons.credentialsForbidden, message };
}

const previousKeys: readonly string[] = [previousUserKey, previousPasswordKey];

function fromSecret({ metadata: { uid = '', resourceVersion = '' } = {}, data = {} }: V1Secret, label: string): SecretState {
  const invalid = (message: string) => ({ isAvailable: false, reason: reasons.credentialsInvalid, message }) as const;
  const values: string[] = [];
  const hasPrevious = previousKeys.some(key => data[key] !== undefined);
  for (const key of [userKey, passwordKey, ...(hasPrevious ? previousKeys : [])]) {
    const encoded = data[key];
    if (encoded === undefined) {
      const why = previousKeys.includes(key) ? `: ${previousKeys.join(' and ')} belong together` : '';
      return { isAvailable: false, reason: reasons.credentialsMissing, message: `${label} has no key ${key}${why}` };
    }
    const value = textOf(encoded);
    const fault = value === undefined ? 'is not valid UTF-8, which a container cannot be given' : credentialFault(value);
    if (value === undefined || fault !== undefined) return invalid(`${label}: ${key} ${fault}`);
    values.push(value);
  }
  const [user = '', password = '', previousUser = '', previousPassword = ''] = values;
  if (Buffer.byteLength(user + password) > maxCredentialsBytes)
    return invalid(`${label}: ${userKey} and ${passwordKey} together are longer than ${maxCredentialsBytes} bytes`);
  return {
    isAvailable: true,
    credentials: { user, password },
    ...(hasPrevious ? { previous: [{ user: previousUser, password: previousPassword }] } : {}),
    version: `${uid}.${resourceVersion}`,
    ...describe(Object.keys(data), label),
  };
}

/** More names than this make a message hard to read. */
const maxNames = 10;

/** The nodes get every key of the Secret as an environment variable: keys that are not theirs are named, their values never. */
function describe(keys: readonly string[], label: string): Pick<Available, 'reason' | 'message'> {
  const others = keys.filter(key => key !== userKey && key !== passwordKey && !previousKeys.includes(key)).sort();
  if (others.length === 0) return { reason: reasons.credentialsFound, message: `${label} holds the credentials` };
  const message =
    `${label} holds the credentials and other keys, which every node gets as environment variables: ` +
    `${firstNames(others, maxNames)}. Keep them in another Secret`;
  return { reason: reasons.secretHasOtherKeys, message };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A value without the one line break that an editor may have left at its end, as images/bitcoind/start.sh takes it; undefined if it is no text. */
function textOf(encoded: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(encoded, 'base64')).replace(/\n$/, '').replace(/\r$/, '');
  } catch {
    return undefined;
  }
}
