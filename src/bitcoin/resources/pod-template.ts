// What the controller's configuration adds to the pods of all networks. The field names are those of the chart's values.
import * as z from 'zod';
import { group } from '../api/bitcoin-network.ts';
import { managedByLabel } from '../api/names.ts';
import { canonicalQuantity, compareQuantities } from './quantity.ts';

const name = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const subdomain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Whether it is a key of a label or an annotation: a name, or one after the prefix of a domain. */
function isQualifiedName(key: string): boolean {
  const [last = '', prefix, ...more] = key.split('/').reverse();
  return more.length === 0 && name.test(last) && (prefix === undefined || subdomain.test(prefix));
}

/** Keys that the controller or a StatefulSet sets. Another value would separate the pods from their network. */
export const isReserved = (key: string): boolean =>
  ['app', managedByLabel, 'controller-revision-hash'].includes(key) ||
  [`${group}/`, 'statefulset.kubernetes.io/', 'apps.kubernetes.io/'].some(prefix => key.startsWith(prefix));

// Each message is the end of a sentence that begins with the path of the field.
const text = z.string({ error: 'is not text' });
const wholeNumber = (minimum: number) => {
  const error = `is not a whole number of at least ${minimum}`;
  return z.number({ error }).int({ error }).min(minimum, { error });
};
const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, { error: `is not one of ${values.join(', ')}` });
const closedObject = <S extends z.ZodRawShape>(shape: S) => z.strictObject(shape, { error: 'is not an object' });

/** A map of texts, each key of which is a qualified name. */
const keyed = (value: z.ZodType<string>, isForbidden: (key: string) => boolean = () => false) =>
  z.record(z.string(), value, { error: 'is not a map of texts' }).superRefine((map, context) => {
    for (const key of Object.keys(map)) {
      if (!isQualifiedName(key))
        context.addIssue({ code: 'custom', path: [key], message: 'is not the name of a label or annotation' });
      else if (isForbidden(key)) context.addIssue({ code: 'custom', path: [key], message: 'is set by the controller itself' });
    }
  });
const labelValue = text.refine(value => value === '' || name.test(value), { error: 'is not the value of a label' });

const quantityOrNone = z.union([z.number(), z.string()], { error: 'is not a quantity' }).transform((given, context) => {
  const canonical = given === '' ? '' : canonicalQuantity(String(given));
  if (canonical !== undefined) return canonical;
  context.addIssue({ code: 'custom', message: 'is not a quantity such as 100m, 0.5 or 512Mi' });
  return z.NEVER;
});
const quantity = quantityOrNone.refine(given => given !== '', { error: 'is empty' });
const quantities = z.record(z.string(), quantity, { error: 'is not a map of quantities' });
const resources = closedObject({ requests: quantities.exactOptional(), limits: quantities.exactOptional() }).superRefine(
  ({ requests = {}, limits = {} }, context) => {
    for (const [resource, limit] of Object.entries(limits)) {
      const request = requests[resource];
      if (request !== undefined && compareQuantities(request, limit) > 0)
        context.addIssue({ code: 'custom', path: ['requests', resource], message: `is more than its limit of ${limit}` });
    }
  },
);

const toleration = closedObject({
  key: text.refine(isQualifiedName, { error: 'is not the key of a taint' }).exactOptional(),
  operator: oneOf(['Exists', 'Equal']).exactOptional(),
  value: labelValue.exactOptional(),
  effect: oneOf(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).exactOptional(),
  tolerationSeconds: z.number({ error: 'is not a number' }).int({ error: 'is not a whole number' }).exactOptional(),
}).superRefine(({ key, operator, value, effect, tolerationSeconds }, context) => {
  const fault = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  if (key === undefined && operator !== 'Exists') fault('operator', 'is not Exists, as it must be without a key');
  if (operator === 'Exists' && value) fault('value', 'is not empty, as it must be with the operator Exists');
  if (tolerationSeconds !== undefined && effect !== 'NoExecute')
    fault('effect', 'is not NoExecute, as it must be with tolerationSeconds');
});

/** Nothing here can make a node less confined than the controller has it: no root, and no profile that confines nothing. */
const profile = z.discriminatedUnion(
  'type',
  [
    closedObject({ type: z.literal('RuntimeDefault') }),
    closedObject({ type: z.literal('Localhost'), localhostProfile: text.min(1) }),
  ],
  { error: 'is neither RuntimeDefault nor Localhost' },
);
const securityContext = closedObject({
  fsGroup: wholeNumber(0).exactOptional(),
  fsGroupChangePolicy: oneOf(['OnRootMismatch', 'Always']).exactOptional(),
  runAsUser: wholeNumber(1).exactOptional(),
  runAsGroup: wholeNumber(0).exactOptional(),
  runAsNonRoot: z.literal(true, { error: 'is not true' }).exactOptional(),
  supplementalGroups: z.array(wholeNumber(0), { error: 'is not a list' }).exactOptional(),
  supplementalGroupsPolicy: oneOf(['Merge', 'Strict']).exactOptional(),
  seLinuxOptions: closedObject({
    user: text.exactOptional(),
    role: text.exactOptional(),
    type: text.exactOptional(),
    level: text.exactOptional(),
  }).exactOptional(),
  seccompProfile: profile.exactOptional(),
  appArmorProfile: profile.exactOptional(),
});

const podTemplateSchema = closedObject({
  labels: keyed(labelValue, isReserved).default({}),
  annotations: keyed(text, isReserved).default({}),
  imagePullSecrets: z
    .array(text.regex(subdomain, { error: 'is not the name of a Secret' }), { error: 'is not a list' })
    .default([]),
  nodeSelector: keyed(labelValue).default({}),
  tolerations: z.array(toleration, { error: 'is not a list' }).default([]),
  // fsGroup lets the image's user write to volumes of every kind.
  securityContext: securityContext.default({ fsGroup: 10_001 }),
  // A node on regtest takes some 50 MiB, and 17 MB on disk. The limits end what an attacker or a fault would fill a machine with.
  resources: resources.default({ requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '1Gi' } }),
  dataSizeLimit: quantityOrNone.default('5Gi'),
});

/** Each field has its default if it is missing; an empty one means none. Quantities are in the form in which the API server returns them. */
export type PodTemplate = z.output<typeof podTemplateSchema>;

export const defaultPodTemplate: PodTemplate = podTemplateSchema.parse({});

/** The first fault as a sentence that begins with the path of the field. */
function sentenceOf(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') return `${[...path, issue.keys[0] ?? ''].join('.')} is not a known field`;
  return `${path.join('.') || 'it'} ${issue.message}`;
}

/**
 * Reads a pod template from JSON.
 * @returns the template, or what is wrong: a sentence that names the field
 */
export function parsePodTemplate(json: string): { readonly template: PodTemplate } | { readonly fault: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { fault: 'it is not JSON' };
  }
  const result = podTemplateSchema.safeParse(value);
  if (result.success) return { template: result.data };
  const [issue] = result.error.issues;
  return { fault: issue === undefined ? 'it is not valid' : sentenceOf(issue) };
}
