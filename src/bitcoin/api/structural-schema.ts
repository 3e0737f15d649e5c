// Turns the JSON Schema that zod makes into a structural schema of Kubernetes.
// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema

export type JsonSchema = { readonly [key: string]: unknown };

/** Keys of zod that are none of Kubernetes'. `absent` says what a missing field means: it becomes a part of the description. */
const ownKeys = new Set(['$schema', '~standard', 'additionalProperties', 'propertyNames', 'absent', 'description', 'anyOf']);

/** Zod gives every integer the bounds of JavaScript's safe integers, which are no limits of the field. */
const isSafeIntegerBound = (key: string, value: unknown): boolean =>
  (key === 'minimum' && value === Number.MIN_SAFE_INTEGER) || (key === 'maximum' && value === Number.MAX_SAFE_INTEGER);

const isIntOrString = (schema: JsonSchema): boolean => schema['x-kubernetes-int-or-string'] === true;

/**
 * The structural schema. Maps keep the schema of their values; an object that may have any field preserves unknown fields; no default is
 * written.
 * @throws Error if the schema has a default, or alternatives other than an integer or a string: the API server would write the one into
 *   every object, and refuse the other
 */
export function structuralSchema(schema: JsonSchema): JsonSchema {
  if ('default' in schema) throw new Error('a field has a default: the API server would write it into every object');
  if ('anyOf' in schema && !isIntOrString(schema))
    throw new Error('a field has alternatives: a structural schema needs one type');
  return {
    ...described(schema),
    ...Object.fromEntries(
      Object.entries(schema)
        .filter(([key, value]) => !ownKeys.has(key) && !isSafeIntegerBound(key, value))
        .map(([key, value]) => [key, childrenOf(key, value)]),
    ),
    ...mapOf(schema),
  };
}

function described(schema: JsonSchema): JsonSchema {
  const { description, absent } = schema as { readonly description?: string; readonly absent?: string };
  const parts = [description, absent === undefined ? undefined : `If absent: ${absent}`];
  const text = parts.filter(part => part !== undefined).join(' ');
  return text === '' ? {} : { description: text };
}

function childrenOf(key: string, value: unknown): unknown {
  if (key === 'items') return structuralSchema(value as JsonSchema);
  if (key !== 'properties') return value;
  return Object.fromEntries(
    Object.entries(value as Record<string, JsonSchema>).map(([name, child]) => [name, structuralSchema(child)]),
  );
}

/** `additionalProperties` of a map are its values; of an object they are `{}` (any field) or `false` (no other field). */
function mapOf({ additionalProperties }: JsonSchema): JsonSchema {
  if (typeof additionalProperties !== 'object' || additionalProperties === null) return {};
  if (Object.keys(additionalProperties).length === 0) return { 'x-kubernetes-preserve-unknown-fields': true };
  return { additionalProperties: structuralSchema(additionalProperties as JsonSchema) };
}
