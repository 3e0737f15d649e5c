// Which credentials bitcoind takes. images/bitcoind/start.sh has the same rules; test/integration/credential-rules compares both with bitcoind.

/** JSON-RPC clients send user and password in one HTTP header, and bitcoind takes 8 KiB of headers. In base64 this is less than 6 KiB. */
export const maxCredentialsBytes = 4_096;

/**
 * What is wrong with a user or a password: bitcoind would not start with it, or would read another value from its configuration.
 * @returns the end of a sentence that begins with the name of the value; undefined if bitcoind takes it
 */
export function credentialFault(value: string): string | undefined {
  if (value === '') return 'is empty';
  if (value.includes('\0')) return 'has a zero byte in it, which an environment variable cannot hold';
  if (value.includes('\n')) return 'has a line break in it, which bitcoin.conf cannot hold';
  if (value.includes('#')) return 'has a "#" in it, which starts a comment in bitcoin.conf';
  // Since Bitcoin Core 30 and Knots 29.4 no node starts with one in the password.
  if (value.includes(':')) return 'has a ":" in it, which separates user and password';
  if (/^[ \t\r]|[ \t\r]$/.test(value)) return 'starts or ends with a blank, which bitcoin.conf drops';
  return undefined;
}
