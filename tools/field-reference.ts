// docs/fields.md: every field of a BitcoinNetwork, made from the schema that the CustomResourceDefinition is made from.
import type { JsonSchema } from '../src/bitcoin/api/structural-schema.ts';

interface Rule {
  readonly message: string;
  readonly fieldPath?: string;
}

/** A node of the schema as zod writes it. */
interface Schema extends JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly absent?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly 'x-kubernetes-validations'?: readonly Rule[];
}

interface Field {
  readonly path: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
  /** Rules of this field, also those that an object around it has. */
  readonly rules: readonly string[];
}

const quoted = (values: readonly unknown[]) => values.map(value => `\`${String(value)}\``).join(', ');

function typeOf(schema: Schema): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'integer or string';
  if (schema.enum !== undefined) return quoted(schema.enum);
  if (schema.items !== undefined)
    return schema.items.properties === undefined ? `list of ${typeOf(schema.items)}` : 'list of objects';
  const values = schema.additionalProperties;
  if (typeof values !== 'object') return schema.type ?? 'any';
  return Object.keys(values).length === 0 ? 'object of Kubernetes' : `map of ${typeOf(values)}`;
}

const isUnbounded = (bound: unknown): boolean => bound === undefined || Math.abs(Number(bound)) === Number.MAX_SAFE_INTEGER;

/** "0 to 1000", "at least 1", "at most 64"; undefined without a bound. */
function range(least: unknown, most: unknown): string | undefined {
  if (isUnbounded(most)) return isUnbounded(least) ? undefined : `at least ${String(least)}`;
  return isUnbounded(least) ? `at most ${String(most)}` : `${String(least)} to ${String(most)}`;
}

function limitsOf(schema: Schema): readonly string[] {
  const counted = (least: unknown, most: unknown, unit: string) => {
    const text = range(least, most);
    return text === undefined ? [] : [`${text} ${unit}`];
  };
  const values = range(schema['minimum'], schema['maximum']);
  return [
    ...(values === undefined ? [] : [values]),
    ...counted(schema['minLength'], schema['maxLength'], 'characters'),
    ...counted(schema['minItems'], schema['maxItems'], 'entries'),
    ...counted(undefined, schema['maxProperties'], 'entries'),
  ];
}

/** The rules of a schema: its own, and those about a field in it by the field's path. */
function rulesOf(path: string, schema: Schema): ReadonlyMap<string, readonly string[]> {
  const rules = new Map<string, string[]>();
  for (const { message, fieldPath = '' } of schema['x-kubernetes-validations'] ?? []) {
    const target = path + fieldPath;
    rules.set(target, [...(rules.get(target) ?? []), message]);
  }
  return rules;
}

/** The fields of an object and of the objects in it, in the order of the schema. */
function fieldsIn(path: string, schema: Schema, around: ReadonlyMap<string, readonly string[]>): readonly Field[] {
  const merged = new Map(around);
  for (const [target, messages] of rulesOf(path, schema)) merged.set(target, [...(merged.get(target) ?? []), ...messages]);
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const childPath = `${path}.${name}`;
    const own = [child, child.items ?? {}].flatMap(({ 'x-kubernetes-validations': rules = [] }) => rules);
    const field = {
      path: childPath,
      schema: child,
      isRequired: schema.required?.includes(name) ?? false,
      rules: [
        ...(merged.get(childPath) ?? []),
        ...own.filter(({ fieldPath }) => fieldPath === undefined).map(({ message }) => message),
      ],
    };
    const inner = child.items === undefined ? child : child.items;
    return [field, ...fieldsIn(child.items === undefined ? childPath : `${childPath}[]`, inner, merged)];
  });
}

const inCell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** What the column about absence says of a field that has no text of its own. */
interface Presence {
  readonly required: string;
  readonly optional: string;
}

function row({ path, schema, isRequired, rules }: Field, presence: Presence): string {
  const cells = [
    `\`${path}\``,
    typeOf(schema),
    schema.description ?? '',
    isRequired ? presence.required : (schema.absent ?? presence.optional),
    [...limitsOf(schema), ...rules].join('<br>'),
  ];
  return `| ${cells.map(inCell).join(' | ')} |`;
}

const table = (fields: readonly Field[], presence: Presence) =>
  [
    '| Field | Type | Description | If absent | Limits and rules |',
    '| --- | --- | --- | --- | --- |',
    ...fields.map(field => row(field, presence)),
  ].join('\n');

const sameFields = (one: Schema, other: Schema | undefined) => JSON.stringify(one) === JSON.stringify(other);

/** The settings of nodes are described once, for `spec`. */
function withoutRepeated(spec: Schema): { readonly schema: Schema; readonly repeated: readonly string[] } {
  const groups = spec.properties?.['groups'];
  const ofGroup = groups?.items?.properties ?? {};
  const repeated = Object.keys(ofGroup).filter(name => sameFields(ofGroup[name] ?? {}, spec.properties?.[name]));
  const own = Object.fromEntries(Object.entries(ofGroup).filter(([name]) => !repeated.includes(name)));
  const shortened = { ...groups, items: { ...groups?.items, properties: own } };
  return { schema: { ...spec, properties: { ...spec.properties, groups: shortened } }, repeated };
}

/** The page of experiments. */
export function experimentFieldReference(experiment: JsonSchema): string {
  const { spec = {}, status = {} } = (experiment as Schema).properties ?? {};
  return `<!-- Generated from src/bitcoin/api by \`npm run generate\`; do not edit. -->

# Fields of a BitcoinExperiment

\`kubectl explain bitcoinexperiment.spec\` shows the same. The API server refuses an object that breaks a limit or a rule, and names the field. It
writes no defaults, and refuses every change of the spec.

## spec

${table(fieldsIn('spec', spec, new Map()), { required: 'Required.', optional: '' })}

## status

${table(fieldsIn('status', status, new Map()), { required: 'Always present.', optional: 'Not known yet.' })}
`;
}

/** The page as Markdown, of the schema with `spec` and `status`. */
export function fieldReference(network: JsonSchema): string {
  const { properties = {} } = network as Schema;
  const { spec = {}, status = {} } = properties;
  const { schema, repeated } = withoutRepeated(spec);
  return `<!-- Generated from src/bitcoin/api by \`npm run generate\`; do not edit. -->

# Fields of a BitcoinNetwork

\`kubectl explain bitcoinnetwork.spec\` shows the same. The API server refuses an object that breaks a limit or a rule, and names the field. It
writes no defaults: a field that is absent stays absent.

## spec

${table(fieldsIn('spec', schema, new Map()), { required: 'Required.', optional: '' })}

Each of \`spec.groups[]\` also has ${quoted(repeated)}, with the same fields and rules as in \`spec\`, for the nodes of the group.

## status

${table(fieldsIn('status', status, new Map()), { required: 'Always present.', optional: 'Not known yet.' })}
`;
}
