// kubeconfig files: the address of an API server and the credentials for it.
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { CertificateFiles } from './certificates.ts';

/** The name of the cluster, the user and the context in every kubeconfig written here. */
export const contextName = 'bitcoin-controller';

export interface ApiServerAddress {
  /** As in https://127.0.0.1:20443 */
  url: string;
  /** File of the certificate authority. */
  authority: string;
}

/** Writes a self-contained kubeconfig (mode 0600) for a user with a client certificate or a bearer token; returns its text. */
export async function writeKubeconfig(
  file: string,
  server: ApiServerAddress,
  user: CertificateFiles | { token: string },
): Promise<string> {
  const base64 = async (path: string): Promise<string> => (await readFile(path)).toString('base64');
  const credentials =
    'token' in user
      ? { token: user.token }
      : { 'client-certificate-data': await base64(user.certificate), 'client-key-data': await base64(user.key) };
  const text = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: contextName, cluster: { server: server.url, 'certificate-authority-data': await base64(server.authority) } },
    ],
    users: [{ name: contextName, user: credentials }],
    contexts: [{ name: contextName, context: { cluster: contextName, user: contextName } }],
    'current-context': contextName,
  });
  await writeFile(file, text, { mode: 0o600 });
  // The mode above applies to a new file only.
  await chmod(file, 0o600);
  return text;
}
