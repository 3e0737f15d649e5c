/** The fields of package.json that name where the code is. */
export interface RepositoryFields {
  readonly repository: { readonly type: 'git'; readonly url: string };
  readonly homepage: string;
  readonly bugs: { readonly url: string };
}

/**
 * The fields for a git remote. Others can reach a remote by https, ssh and git; a remote that is a folder gives no fields.
 * The user name and password of an address are left out.
 * @param remote the URL of the remote, or its short form for ssh (git@host:path)
 */
export function repositoryFields(remote: string): RepositoryFields | undefined {
  const [, shortHost, shortPath] = /^(?:[^@/\s]+@)([\w.-]+):(?!\/\/)(\S+)$/.exec(remote) ?? [];
  const text = shortHost === undefined ? remote : `ssh://${shortHost}/${shortPath}`;
  const url = URL.parse(text);
  if (url === null || !['https:', 'ssh:', 'git:'].includes(url.protocol) || url.hostname === '') return undefined;
  // The port is that of the page only if the remote is one.
  const host = url.protocol === 'https:' ? url.host : url.hostname;
  const page = `https://${host}/${url.pathname.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')}`;
  return { repository: { type: 'git', url: `git+${page}.git` }, homepage: `${page}#readme`, bugs: { url: `${page}/issues` } };
}
