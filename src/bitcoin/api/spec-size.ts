// The size of a spec. The schema bounds most fields; it cannot bound what a podTemplate takes from a PodSpec, which may have any field,
//   nor the sum of texts. An object that is larger than what a cache keeps of it would look changed at every reconcile.
import type { BitcoinNetworkSpec } from './bitcoin-network.ts';

/** As much as `kubectl apply` can store: it keeps the object in an annotation, which has at most 256 KiB. */
export const maxSpecBytes = 256 * 1024;
/** A StatefulSet has the fields of two of them, with the defaults of the API server, and is a part of every revision. */
export const maxPodTemplateBytes = 16 * 1024;
/** The cache of Services keeps 16 KiB of annotations (kept-fields.ts): with those that the controller and the cluster add. */
export const maxServiceAnnotationsBytes = 12 * 1024;
/** A cache keeps 112 KiB of a NetworkPolicy (kept-fields.ts): with the ports and peers that the controller adds. */
export const maxNetworkPolicyBytes = 96 * 1024;

const bytesOf = (value: object): number => Buffer.byteLength(JSON.stringify(value));

const tooLarge = (field: string, bytes: number, most: number) =>
  `${field} has ${bytes} bytes as JSON: at most ${most} bytes are allowed`;

/** Which part of a spec is too large: a sentence that begins with the path of the field. Undefined if none is. */
export function oversizedPart(spec: BitcoinNetworkSpec): string | undefined {
  const { podTemplate, groups = [], services, networkPolicy } = spec;
  const parts: readonly (readonly [field: string, part: object | undefined, most: number])[] = [
    ['spec', spec, maxSpecBytes],
    ['spec.podTemplate', podTemplate, maxPodTemplateBytes],
    ...groups.map(group => [`spec.groups[${group.name}].podTemplate`, group.podTemplate, maxPodTemplateBytes] as const),
    ['spec.services.p2pPerNode.annotations', services?.p2pPerNode?.annotations, maxServiceAnnotationsBytes],
    ['spec.services.rpc.annotations', services?.rpc?.annotations, maxServiceAnnotationsBytes],
    ['spec.networkPolicy', networkPolicy, maxNetworkPolicyBytes],
  ];
  for (const [field, part, most] of parts) {
    const bytes = part === undefined ? 0 : bytesOf(part);
    if (bytes > most) return tooLarge(field, bytes, most);
  }
  return undefined;
}
