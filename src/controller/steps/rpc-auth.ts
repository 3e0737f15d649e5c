// RpcAuthSecrets: the hashes of a network's credentials (spec.rpcAuth), and whether its nodes take the credentials of spec.secret by them.
import type { V1Secret } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { passwordKey, userKey } from '../../bitcoin/api/names.ts';
import { rpcAuthKey } from '../../bitcoin/api/rpc-auth.ts';
import { neededMethods } from '../../bitcoin/rpc/needed-methods.ts';
import { hasUser, parseRpcAuth, refusedMethods, type RpcAuth, rpcAuthForm, takes } from '../../bitcoin/rpc/rpc-auth.ts';
import type { Credentials } from '../../bitcoin/rpc/rpc-client.ts';
import { isForbidden, isNotFound } from '../../kube/api-error.ts';
import { firstNames } from '../../logging/short-text.ts';
import { reasons } from '../events/reasons.ts';
import { SecretCache, type SecretCacheOptions, type SecretReference } from './secret-cache.ts';

/** What keeps new nodes from being started with the hashes. */
export interface RpcAuthFault {
  readonly reason: typeof reasons.credentialsMissing | typeof reasons.credentialsForbidden | typeof reasons.credentialsInvalid;
  readonly message: string;
}

type RpcAuthState = { readonly rpcAuth: RpcAuth } | { readonly fault: RpcAuthFault };

export interface RpcAuthSecretsOptions extends Pick<SecretCacheOptions<RpcAuthState>, 'client' | 'now'> {
  /** How long a Secret is kept, usable or not. */
  readonly maxAgeMs: (isUsable: boolean) => number;
}

export class RpcAuthSecrets {
  readonly #secrets: SecretCache<RpcAuthState>;

  constructor({ maxAgeMs, ...options }: RpcAuthSecretsOptions) {
    this.#secrets = new SecretCache({ ...options, interpret, maxAgeMs: state => maxAgeMs('rpcAuth' in state) });
  }

  /**
   * @param credentials those of spec.secret
   * @returns the digest of the hashes, if the nodes that have them take the credentials
   * @throws ApiError if the API server did not answer
   */
  async of(
    network: BitcoinNetwork,
    credentials: Credentials,
    signal?: AbortSignal,
  ): Promise<{ readonly digest: string } | { readonly fault: RpcAuthFault }> {
    const reference = rpcAuthReferenceOf(network);
    if (reference === undefined) throw new TypeError('the network has no rpcAuth');
    const state = await this.#secrets.read(reference, signal);
    if ('fault' in state) return state;
    const message = mismatch(network, state.rpcAuth, credentials);
    if (message === undefined) return { digest: state.rpcAuth.digest };
    return { fault: { reason: reasons.credentialsInvalid, message: `${labelOf(reference)}: ${message}` } };
  }

  /** Call when there is reason to believe that the Secret has changed: it is read again if it was read more than `minAgeMs` ago. */
  expire(network: BitcoinNetwork, minAgeMs: number): void {
    const reference = rpcAuthReferenceOf(network);
    if (reference !== undefined) this.#secrets.expire(reference, minAgeMs);
  }
}

export const rpcAuthReferenceOf = ({ metadata: { namespace }, spec }: BitcoinNetwork): SecretReference | undefined =>
  spec.rpcAuth && { namespace, name: spec.rpcAuth.secretName };

const labelOf = ({ namespace, name }: SecretReference): string => `Secret ${namespace}/${name} (spec.rpcAuth.secretName)`;

function interpret(
  answer: { readonly secret: V1Secret } | { readonly error: unknown },
  reference: SecretReference,
): RpcAuthState {
  const label = labelOf(reference);
  const fault = (reason: RpcAuthFault['reason'], message: string) => ({ fault: { reason, message } });
  if ('error' in answer) {
    const { error } = answer;
    if (isNotFound(error)) return fault(reasons.credentialsMissing, `${label} does not exist`);
    if (!isForbidden(error)) throw error;
    const why = `the controller may not read ${label}: list its name in the chart's rbac.secretNames`;
    return fault(reasons.credentialsForbidden, why);
  }
  const encoded = answer.secret.data?.[rpcAuthKey];
  if (encoded === undefined)
    return fault(reasons.credentialsMissing, `${label} has no key ${rpcAuthKey}, which has lines ${rpcAuthForm}`);
  const parsed = parseRpcAuth(Buffer.from(encoded, 'base64').toString('utf8'));
  if ('fault' in parsed) return fault(reasons.credentialsInvalid, `${label}: ${rpcAuthKey} ${parsed.fault}`);
  return { rpcAuth: parsed };
}

/** More names than this make a message hard to read. */
const maxNames = 10;

/** Why the controller could not call the nodes; undefined if it can. Without the user, the password and the hash. */
function mismatch({ metadata, spec }: BitcoinNetwork, rpcAuth: RpcAuth, credentials: Credentials): string | undefined {
  const secret = `Secret ${metadata.namespace}/${spec.secret} (spec.secret)`;
  if (!hasUser(rpcAuth, credentials.user))
    return `${rpcAuthKey} has no line for the ${userKey} of ${secret}: add ${rpcAuthForm} with that user`;
  if (!takes(rpcAuth, credentials))
    return `no line of ${rpcAuthKey} is the hash of the ${passwordKey} of ${secret}: add ${rpcAuthForm} with that hash`;
  const refused = refusedMethods(rpcAuth, credentials.user, neededMethods(spec));
  if (refused.length === 0) return undefined;
  return `the rpcwhitelist in ${rpcAuthKey} must allow the ${userKey} of ${secret} what the controller calls: add ${firstNames(refused, maxNames)}`;
}
