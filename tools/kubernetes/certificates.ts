// The certificates of one local Kubernetes: its own certificate authority and what that signs, made by openssl.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../command.ts';

const days = '365';
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];

export interface CertificateFiles {
  certificate: string;
  key: string;
}

/** The subject of a certificate. Kubernetes uses the common name as the user and the organization as its group. */
export interface Subject {
  commonName: string;
  organization?: string;
  /** Names and addresses of a server's certificate, as in `IP:127.0.0.1` or `DNS:localhost`. Undefined for a client's. */
  alternativeNames?: readonly string[];
}

/** A certificate authority with its files in one folder. */
export class CertificateAuthority {
  readonly #openssl: string;
  readonly #folder: string;

  private constructor(openssl: string, folder: string) {
    this.#openssl = openssl;
    this.#folder = folder;
  }

  static async create(openssl: string, folder: string): Promise<CertificateAuthority> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const authority = new CertificateAuthority(openssl, folder);
    const { certificate, key } = authority.#files('ca');
    const extensions = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
    await run(openssl, [
      'req',
      '-x509',
      ...newKey,
      '-subj',
      '/CN=local-kubernetes',
      '-days',
      days,
      ...extensions,
      '-keyout',
      key,
      '-out',
      certificate,
    ]);
    return authority;
  }

  /** The authority's own certificate, which every client trusts. */
  get certificate(): string {
    return this.#files('ca').certificate;
  }

  /** Signs a new certificate and writes it and its key to NAME.crt and NAME.key. */
  async issue(name: string, subject: Subject): Promise<CertificateFiles> {
    const files = this.#files(name);
    const ca = this.#files('ca');
    const organization = subject.organization === undefined ? '' : `/O=${subject.organization}`;
    const usage = subject.alternativeNames === undefined ? 'clientAuth' : 'serverAuth';
    const extensions = ['basicConstraints=critical,CA:FALSE', `extendedKeyUsage=${usage}`];
    if (subject.alternativeNames !== undefined) extensions.push(`subjectAltName=${subject.alternativeNames.join(',')}`);
    await run(this.#openssl, [
      ...['req', '-x509', ...newKey, '-CA', ca.certificate, '-CAkey', ca.key, '-days', days],
      ...['-subj', `${organization}/CN=${subject.commonName}`, '-keyout', files.key, '-out', files.certificate],
      ...extensions.flatMap(extension => ['-addext', extension]),
    ]);
    return files;
  }

  #files(name: string): CertificateFiles {
    return { certificate: path.join(this.#folder, `${name}.crt`), key: path.join(this.#folder, `${name}.key`) };
  }
}

/** Writes the key pair that signs and checks service account tokens to service-account.key and .pub. */
export async function createTokenKeys(openssl: string, folder: string): Promise<{ privateKey: string; publicKey: string }> {
  const keys = { privateKey: path.join(folder, 'service-account.key'), publicKey: path.join(folder, 'service-account.pub') };
  await run(openssl, ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', keys.privateKey]);
  await run(openssl, ['pkey', '-in', keys.privateKey, '-pubout', '-out', keys.publicKey]);
  return keys;
}
