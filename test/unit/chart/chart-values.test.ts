// The chart's values.schema.json: it takes the chart's own values, and refuses a wrong one of every field.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { parse } from 'yaml';

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}
const chart = path.join(import.meta.dirname, '..', '..', '..', 'charts', 'bitcoin-controller');
const schema = JSON.parse(readFileSync(path.join(chart, 'values.schema.json'), 'utf8')) as Schema;
const values = parse(readFileSync(path.join(chart, 'values.yaml'), 'utf8')) as object;
const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);

/** Every field of the schema that is no object of named fields itself, as `image.tag`. */
function fieldsOf({ properties }: Schema, prefix = ''): readonly string[] {
  return Object.entries(properties ?? {}).flatMap(([name, field]) =>
    field.properties === undefined ? [`${prefix}${name}`] : fieldsOf(field, `${prefix}${name}.`),
  );
}

const digest = `sha256:${'0'.repeat(64)}`;
const image = {
  repository: [[''], ['some/where']],
  tag: [[1.2], ['1.2']],
  digest: [
    ['sha256:0', digest.toUpperCase(), '0'.repeat(64)],
    ['', digest],
  ],
  pullPolicy: [
    ['Sometimes', 'always'],
    ['Always', 'Never'],
  ],
} as const;
const flag = [
  ['yes', 1],
  [true, false],
] as const;
const wrongNames = ['UPPER', 'a_b', '-a', 'a-', 'a b', 'a\nb', '.a', 'x'.repeat(254)];
const names = [
  ['name', [1], ['same', 'same'], [''], ['a..b'], ...wrongNames.map(name => [name])],
  [[], ['one', 'b.c-1', '1']],
] as const;
const optionalName = [
  [1, 'a..b', ...wrongNames],
  ['', 'one', 'b.c-1'],
] as const;
const texts = [['text', { key: 1 }], [{ key: 'text' }]] as const;
const object = [
  ['text', []],
  [{}, { any: ['thing'] }],
] as const;
const count = [
  [0, 1.5, '10'],
  [1, 10],
] as const;

/** What each field refuses, and what it takes. */
const examples: Readonly<Record<string, readonly [wrong: readonly unknown[], right: readonly unknown[]]>> = {
  global: object,
  ...Object.fromEntries(Object.entries(image).map(([name, both]) => [`image.${name}`, both])),
  ...Object.fromEntries(Object.entries(image).map(([name, both]) => [`bitcoind.image.${name}`, both])),
  imagePullSecrets: names,
  replicas: [
    [-1, 101, '2', 1.5],
    [0, 1, 100],
  ],
  'crds.enabled': flag,
  'crds.keep': flag,
  watchNamespaces: [
    [['a.b'], ['a', 'a'], 'a', [''], ...wrongNames.map(name => [name])],
    [[], ['a', 'b-1']],
  ],
  'rbac.create': flag,
  'rbac.secretNames': names,
  'rbac.aggregate': flag,
  'admissionPolicy.enabled': flag,
  'admissionPolicy.extraImages': [
    ['image', [''], [1], ['same', 'same']],
    [[], ['r.example/b:1']],
  ],
  'admissionPolicy.networkNamePattern': [
    [1, ['^btc-']],
    ['', '^btc-'],
  ],
  'serviceAccount.create': flag,
  'serviceAccount.name': optionalName,
  'serviceAccount.annotations': texts,
  'controller.logLevel': [
    ['loud', 'INFO'],
    ['debug', 'error'],
  ],
  'controller.logFormat': [['xml'], ['text']],
  'controller.eventsApi': [
    ['v1', 'Core'],
    ['core', 'events'],
  ],
  'controller.concurrency': [[...count[0], 10_001], count[1]],
  'controller.recheckSeconds': [[...count[0], 86_401], count[1]],
  'controller.kubeApiQps': [[...count[0], 100_001], count[1]],
  'controller.kubeApiBurst': [[...count[0], 100_001], count[1]],
  'controller.extraArgs': [
    [['log-level=debug'], [1], '--a=b'],
    [[], ['--log-level=debug']],
  ],
  'metrics.service': flag,
  podDisruptionBudget: flag,
  resources: object,
  podAnnotations: texts,
  podLabels: [
    [...texts[0], { 'app.kubernetes.io/name': 'x' }, { 'app.kubernetes.io/instance': 'x' }, { 'helm.sh/chart': 'x' }],
    [...texts[1], { 'app.kubernetes.io/part-of': 'x' }],
  ],
  nodeSelector: texts,
  tolerations: [
    [{}, ['text']],
    [[], [{ operator: 'Exists' }]],
  ],
  affinity: object,
  priorityClassName: optionalName,
  nameOverride: [
    [1, 'a.b', ...wrongNames],
    ['', 'one', '1-b', 'x'.repeat(63)],
  ],
  // What is too long is cut.
  fullnameOverride: [
    [1, 'a.b', ...wrongNames.slice(0, -1)],
    ['', 'one', '1-b', 'x'.repeat(80)],
  ],
};

/** The chart's values with one changed; undefined takes it away, as Helm does where it is given null. */
function changed(field: string, value: unknown): object {
  const copy = structuredClone(values) as Record<string, unknown>;
  const names = field.split('.');
  const last = names.pop() ?? '';
  const holder = names.reduce((at, name) => at[name] as Record<string, unknown>, copy);
  if (value === undefined) Reflect.deleteProperty(holder, last);
  else holder[last] = value;
  return copy;
}

describe("the chart's values", () => {
  it('are as the schema says', () => {
    expect(validate(values), JSON.stringify(validate.errors)).to.equal(true);
  });

  it('have examples here for each field of the schema', () => {
    expect(Object.keys(examples)).to.have.members(fieldsOf(schema));
  });

  it('may not have fields that the schema does not know, at any place', () => {
    const places = [
      '',
      ...new Set(fieldsOf(schema).flatMap(field => field.split('.').map((_, index, all) => all.slice(0, index).join('.')))),
    ];
    for (const place of places) expect(validate(changed(`${place === '' ? '' : `${place}.`}misspelt`, 1)), place).to.equal(false);
  });

  it('may be null only where that is the same as empty', () => {
    const fields = fieldsOf(schema).filter(field => field !== 'global');
    const objects = fields.filter(field => field.includes('.')).map(field => field.slice(0, field.lastIndexOf('.')));
    for (const field of [...fields, ...new Set(objects)]) {
      const value = field.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], values);
      // Helm merges maps: null is the only way to have no resources.
      const isEmpty = field === 'resources' || ['""', '[]', '{}'].includes(JSON.stringify(value));
      expect(validate(changed(field, undefined)), field).to.equal(isEmpty);
    }
  });

  for (const [field, [wrong, right]] of Object.entries(examples))
    it(`have a ${field} that is right`, () => {
      for (const value of wrong) expect(validate(changed(field, value)), JSON.stringify(value)).to.equal(false);
      for (const value of right) expect(validate(changed(field, value)), JSON.stringify(value)).to.equal(true);
    });
});
