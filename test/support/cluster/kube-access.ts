// For tests of how the client reaches an API server, and as whom: kubeconfigs of a test's own making, and who one turns out to be.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { KubeClient, type KubeObject, type ResourceType } from '../../../src/kube/client.ts';
import { loadKubeConfig } from '../../../src/kube/auth/kubeconfig.ts';
import type { TestControlPlane } from './api-server.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

const selfSubjectReviews: ResourceType<KubeObject & { status?: { userInfo?: { username?: string } } }> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'selfsubjectreviews',
  kind: 'SelfSubjectReview',
  namespaced: false,
};

export interface Access {
  /** Fields of a kubeconfig's cluster, beside or instead of the API server's own address and authority. */
  readonly cluster?: object;
  /** Those of its user. */
  readonly user?: object;
}

/** Writes a kubeconfig into the control plane's folder. */
export async function writeAccess(api: TestControlPlane, { cluster = {}, user = {} }: Access, name = 'access'): Promise<string> {
  const file = path.join(api.dir, `${name}.kubeconfig`);
  const known = { server: api.serverUrl, 'certificate-authority': path.join(api.dir, 'certificates', 'ca.crt') };
  const text = stringify({
    clusters: [{ name: 'test', cluster: { ...known, ...cluster } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
  await writeFile(file, text);
  return file;
}

/** A client as main.ts makes it. */
export function clientOf(kubeconfig: string, environment: Readonly<Record<string, string>> = {}): KubeClient {
  return new KubeClient({ kubeConfig: loadKubeConfig({ kubeconfig, environment }), logger: new RecordingLogger() });
}

/** Who the API server takes the client for. @throws as KubeClient does */
export async function whoAmI(client: KubeClient): Promise<string> {
  const { status } = await client.create(selfSubjectReviews, {}, { isIdempotent: true });
  return status?.userInfo?.username ?? '';
}

/** The token of a service account, which is made if need be. */
export async function tokenOf(api: TestControlPlane, name: string): Promise<string> {
  await api.kubectl('create', 'serviceaccount', name).catch(() => undefined);
  return (await api.kubectl('create', 'token', name)).trim();
}

export const accountName = (name: string): string => `system:serviceaccount:default:${name}`;
