// getFieldSelector: which events to list or watch, in the words of either API. Port of client-go v0.37.2 tools/events/helper.go.
import type { ObjectReference } from '../pipeline/reference.ts';

/** By which name each API calls the object that an event is about. */
const prefixes: ReadonlyMap<string, string> = new Map([
  ['events.k8s.io/v1', 'regarding'],
  ['events.k8s.io/v1beta1', 'regarding'],
  ['v1', 'involvedObject'],
]);

/**
 * The field selector of the events about `regarding`: for `fieldSelector` of a list or a watch. What is empty or absent selects nothing.
 * @param eventsApiVersion the API that is asked: `events.k8s.io/v1`, `events.k8s.io/v1beta1` or `v1`
 * @throws RangeError for any other version
 *
 * @example
 * ```ts
 * import { getFieldSelector } from 'bitcoin-controller/record/events';
 *
 * const pod = { apiVersion: 'v1', kind: 'Pod', name: 'web-0' };
 * console.log(getFieldSelector('events.k8s.io/v1', pod)); // prints regarding.apiVersion=v1,regarding.kind=Pod,regarding.name=web-0
 * ```
 */
export function getFieldSelector(
  eventsApiVersion: string,
  regarding: Pick<ObjectReference, 'apiVersion' | 'kind' | 'name' | 'uid'>,
): string {
  const prefix = prefixes.get(eventsApiVersion);
  if (prefix === undefined) throw new RangeError(`unknown version ${eventsApiVersion}`);
  return (['apiVersion', 'kind', 'name', 'uid'] as const)
    .map(field => [field, regarding[field] ?? ''] as const)
    .filter(([, value]) => value !== '')
    .map(([field, value]) => `${prefix}.${field}=${escaped(value)}`)
    .join(',');
}

/** As the API server reads a selector: a backslash makes the next character a part of the value. */
function escaped(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}
