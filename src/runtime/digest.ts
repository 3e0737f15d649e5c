// A digest of the desired state, kept in an annotation of the object. It distinguishes a former desired state from the present one.
import { createHash } from 'node:crypto';
import type { KubeObject } from '../kube/resource.ts';

/** The digest that `withDigest` wrote; '' if there is none. */
export const digestOf = ({ metadata }: KubeObject, digestAnnotation: string): string =>
  metadata?.annotations?.[digestAnnotation] ?? '';

/** The object with a digest of itself in the annotation: it changes with the desired state, so that a field which is no longer desired is removed as well. */
export function withDigest<T extends KubeObject>(desired: T, digestAnnotation: string): T {
  const digest = createHash('sha256').update(JSON.stringify(desired)).digest('base64url').slice(0, 16);
  return withAnnotations(desired, { [digestAnnotation]: digest });
}

/** A copy of the object with these annotations beside its own. */
export const withAnnotations = <T extends KubeObject>(object: T, annotations: Readonly<Record<string, string>>): T => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, ...annotations } },
});
