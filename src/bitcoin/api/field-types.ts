// The kinds of fields that several features have: maps, quantities, objects of Kubernetes, and the CEL rules of a field.
import * as z from 'zod';

/** A rule in CEL that the API server checks (`x-kubernetes-validations`). */
export interface ValidationRule {
  readonly rule: string;
  /** Says what is allowed. The API server puts the path of the field in front of it. */
  readonly message: string;
  /** The field of the object that the message is about, as in `.chain`. Default: the object that has the rule. */
  readonly fieldPath?: string;
}

/** The key of an array's items, for server-side apply: entries of different owners are merged by it. */
export const listMap = (...keys: readonly string[]) => ({
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
});
export const listSet = { 'x-kubernetes-list-type': 'set' };
export const listAtomic = { 'x-kubernetes-list-type': 'atomic' };

/** The highest ordinal of a node. Pods, Services and list entries are named by ordinals. */
const maxOrdinal = 9999;

export const int32 = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum).meta({ format: 'int32' });
export const ordinal = () => int32(0, maxOrdinal);

/** A name in the API of Kubernetes. What exactly is allowed is checked where it is used. */
export const objectName = () => z.string().min(1).max(253);

/** An object of Kubernetes that the API server checks only when it is used. It may have any field. */
export const uncheckedObject = <T extends object>() => z.looseObject({}) as unknown as z.ZodType<T>;

/** The same, with a name that identifies it in a list. */
export const uncheckedNamedObject = <T extends { name: string }>() =>
  z.looseObject({
    name: z.string().min(1).max(63).meta({ description: 'The name, a DNS label. It is unique in the list.' }),
  }) as unknown as z.ZodType<T>;

const labelValue = () =>
  z
    .string()
    .max(63)
    .regex(/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/);
export const labels = () => z.record(z.string(), labelValue()).meta({ maxProperties: 32 });
export const annotations = () => z.record(z.string(), z.string().max(4096)).meta({ maxProperties: 32 });

/** As apimachinery's resource.Quantity: a number is taken too. */
const quantity = () =>
  z.union([z.int(), z.string()]).meta({
    'x-kubernetes-int-or-string': true,
    maxLength: 32,
    pattern: String.raw`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$`,
  });
export const quantities = () => z.record(z.string(), quantity()).meta({ maxProperties: 8 });

/** A number of nodes, or a share of them such as `25%`. */
export const numberOrPercentage = () => z.union([z.int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true, maxLength: 4 });
