// The annotations of a pod template that other writers set: the revision of the pods depends on them, so that a recreated StatefulSet needs
//   the same. Whose they are is in the managed fields of the former one. Of pods without it only that of kubectl is known not to be ours.
import type { V1StatefulSet } from '@kubernetes/client-node';
import { fieldManager } from '../../bitcoin/api/names.ts';
import { isReserved } from '../../bitcoin/resources/pod-template.ts';
import { type FieldPath, managedFieldsOf, valueAt } from '../../runtime/managed-fields.ts';
import type { Child } from './apply-child.ts';

/** `kubectl rollout restart` sets it. */
const restartedAt = 'kubectl.kubernetes.io/restartedAt';

const parent: FieldPath = ['f:spec', 'f:template', 'f:metadata', 'f:annotations'];
const pathOf = (key: string): FieldPath => [...parent, `f:${key}`];

export const keptAnnotations: NonNullable<Child<V1StatefulSet>['kept']> = {
  of: (desired, former) => {
    const keys = new Set([restartedAt, ...foreignKeys(former)]);
    const kept = Object.entries(annotationsOf(former)).filter(([key]) => keys.has(key));
    return kept.length === 0 ? desired : withAnnotations(desired, Object.fromEntries(kept));
  },
  paths: [pathOf(restartedAt)],
  pathsIn: (created, desired) => {
    const own = annotationsOf(desired);
    const kept = Object.keys(annotationsOf(created)).filter(key => !Object.hasOwn(own, key));
    // A map that is ours would be removed by the next apply that has nothing in it.
    return Object.keys(own).length === 0 && kept.length > 0 ? [parent] : kept.map(pathOf);
  },
};

const annotationsOf = ({ spec }: V1StatefulSet): Readonly<Record<string, string>> => spec?.template.metadata?.annotations ?? {};

/** None unless the object shows which fields are ours. Those that we own are in what is desired, or are not desired any more. */
function foreignKeys(former: V1StatefulSet): string[] {
  const own = managedFieldsOf(former).filter(({ manager, subresource }) => manager === fieldManager && !subresource);
  if (own.length === 0) return [];
  const isOwn = (key: string): boolean => own.some(({ fieldsV1 }) => valueAt(fieldsV1, pathOf(key)) !== undefined);
  return Object.keys(annotationsOf(former)).filter(key => !isReserved(key) && !isOwn(key));
}

/** What is desired goes first. */
function withAnnotations(desired: V1StatefulSet, kept: Readonly<Record<string, string>>): V1StatefulSet {
  const { spec } = desired;
  if (spec === undefined) return desired;
  const metadata = { ...spec.template.metadata };
  const annotations = { ...kept, ...metadata.annotations };
  return { ...desired, spec: { ...spec, template: { ...spec.template, metadata: { ...metadata, annotations } } } };
}
