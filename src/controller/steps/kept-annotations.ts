// The annotations of a pod template that kubectl sets: the revision of the pods depends on them, so that a recreated StatefulSet needs the same.
import type { V1StatefulSet } from '@kubernetes/client-node';
import type { FieldPath } from '../../runtime/managed-fields.ts';
import type { Child } from './apply-child.ts';

/** `kubectl rollout restart` sets it. */
const restartedAt = 'kubectl.kubernetes.io/restartedAt';

const path: FieldPath = ['f:spec', 'f:template', 'f:metadata', 'f:annotations', `f:${restartedAt}`];

export const keptAnnotations: NonNullable<Child<V1StatefulSet>['kept']> = {
  of: (desired, former) => withRestartedAt(desired, former.spec?.template.metadata?.annotations?.[restartedAt]),
  paths: [path],
};

function withRestartedAt(desired: V1StatefulSet, time: string | undefined): V1StatefulSet {
  const { spec } = desired;
  if (spec === undefined || time === undefined) return desired;
  const metadata = { ...spec.template.metadata };
  const annotations = { ...metadata.annotations, [restartedAt]: time };
  return { ...desired, spec: { ...spec, template: { ...spec.template, metadata: { ...metadata, annotations } } } };
}
