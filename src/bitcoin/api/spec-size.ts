// The size of a spec. The schema bounds most fields; it cannot bound what a podTemplate takes from a PodSpec, which may have any field.
import type { BitcoinNetworkSpec } from './bitcoin-network.ts';

/** As much as `kubectl apply` can store: it keeps the object in an annotation, which has at most 256 KiB. */
export const maxSpecBytes = 256 * 1024;
/** A StatefulSet has the fields of two of them, with the defaults of the API server, and is a part of every revision. */
export const maxPodTemplateBytes = 16 * 1024;

const bytesOf = (value: object): number => Buffer.byteLength(JSON.stringify(value));

const tooLarge = (field: string, bytes: number, most: number) =>
  `${field} has ${bytes} bytes as JSON: at most ${most} bytes are allowed`;

/** Which part of a spec is too large: a sentence that begins with the path of the field. Undefined if none is. */
export function oversizedPart(spec: BitcoinNetworkSpec): string | undefined {
  const bytes = bytesOf(spec);
  if (bytes > maxSpecBytes) return tooLarge('spec', bytes, maxSpecBytes);
  const templates = [
    { field: 'spec.podTemplate', template: spec.podTemplate },
    ...(spec.groups ?? []).map(({ name, podTemplate }) => ({
      field: `spec.groups[${name}].podTemplate`,
      template: podTemplate,
    })),
  ];
  for (const { field, template } of templates) {
    const size = template === undefined ? 0 : bytesOf(template);
    if (size > maxPodTemplateBytes) return tooLarge(field, size, maxPodTemplateBytes);
  }
  return undefined;
}
