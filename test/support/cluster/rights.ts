// What a service account may do by the chart's roles, and what it did by the audit log: for tests that the two are the same.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RenderedObject } from './chart.ts';

/** One verb on one resource, as a role grants it. */
export interface Grant {
  readonly role: string;
  /** Undefined = in all namespaces. */
  readonly namespace: string | undefined;
  readonly group: string;
  /** With its subresource, as in `bitcoinnetworks/status`. */
  readonly resource: string;
  readonly verb: string;
  /** Undefined = any name. */
  readonly names: readonly string[] | undefined;
}

export interface AuditedRequest {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly code: number;
  readonly path: string;
  readonly at: Date;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}
interface RoleReference {
  readonly kind: string;
  readonly name: string;
}

/** What the bindings among `objects` give to a service account. */
export function grantsTo(account: { namespace: string; name: string }, objects: readonly RenderedObject[]): readonly Grant[] {
  const isSubject = ({ subjects }: RenderedObject): boolean =>
    (subjects as { kind: string; namespace: string; name: string }[]).some(
      ({ kind, namespace, name }) => kind === 'ServiceAccount' && namespace === account.namespace && name === account.name,
    );
  const bindings = objects.filter(object => /^(Cluster)?RoleBinding$/.test(object.kind)).filter(isSubject);
  return bindings.flatMap(binding => {
    const { kind, name } = binding['roleRef'] as RoleReference;
    const { namespace } = binding.metadata;
    const role = objects.find(
      object =>
        object.kind === kind &&
        object.metadata.name === name &&
        (kind === 'ClusterRole' || object.metadata.namespace === namespace),
    );
    if (role === undefined)
      throw new Error(`${binding.kind} ${binding.metadata.name} names ${kind} ${name}, which the chart lacks`);
    return (role['rules'] as Rule[]).flatMap(rule => grantsOf(rule, { role: name, namespace }));
  });
}

function grantsOf(rule: Rule, place: Pick<Grant, 'role' | 'namespace'>): Grant[] {
  return rule.apiGroups.flatMap(group =>
    rule.resources.flatMap(resource => rule.verbs.map(verb => ({ ...place, group, resource, verb, names: rule.resourceNames }))),
  );
}

interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

/** What a user asked of the API server, since a time if one is given. Watches are in the log once they have ended. */
export async function requestsOf(
  username: string,
  auditLogPath: string | undefined,
  since = new Date(0),
): Promise<readonly AuditedRequest[]> {
  if (auditLogPath === undefined) throw new Error('the control plane writes no audit log');
  const folder = path.dirname(auditLogPath);
  const isPart = (name: string): boolean => name.startsWith('audit') && name.endsWith('.log');
  const files = (await readdir(folder)).filter(isPart).map(name => path.join(folder, name));
  const texts = await Promise.all(files.map(file => readFile(file, 'utf8')));
  const lines = texts.flatMap(text => text.split('\n')).filter(line => line !== '');
  const isMeant = ({ user, requestReceivedTimestamp }: AuditEvent): boolean =>
    user.username === username && new Date(requestReceivedTimestamp) >= since;
  const events = lines.map(line => JSON.parse(line) as AuditEvent).filter(isMeant);
  return events.map(({ verb, requestURI, requestReceivedTimestamp, objectRef = {}, responseStatus }) => ({
    verb,
    group: objectRef.apiGroup ?? '',
    resource: [objectRef.resource, objectRef.subresource].filter(part => part !== undefined).join('/'),
    namespace: objectRef.namespace,
    name: objectRef.name,
    code: responseStatus?.code ?? 0,
    path: requestURI,
    at: new Date(requestReceivedTimestamp),
  }));
}

const created = 201;

/** Whether the request is one that the grant is for. An apply that created something needed the right to create as well. */
export function permits(grant: Grant, request: AuditedRequest): boolean {
  const isApplied = request.verb === 'patch' && request.code === created;
  return (
    (grant.verb === request.verb || (isApplied && grant.verb === 'create')) &&
    grant.group === request.group &&
    grant.resource === request.resource &&
    (grant.namespace === undefined || grant.namespace === request.namespace) &&
    (grant.names === undefined || (request.name !== undefined && grant.names.includes(request.name)))
  );
}

/** As in `patch apps/statefulsets`, for messages and lists. */
export const nameOfGrant = ({ verb, group, resource }: Pick<Grant, 'verb' | 'group' | 'resource'>): string =>
  `${verb} ${group === '' ? '' : `${group}/`}${resource}`;
