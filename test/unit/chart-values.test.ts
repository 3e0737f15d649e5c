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
const chart = path.join(import.meta.dirname, '..', '..', 'charts', 'bitcoin-controller');
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
const names = [
  ['name', [1], ['same', 'same'], ['']],
  [[], ['one', 'two']],
] as const;
const texts = [['text', { key: 1 }], [{ key: 'text' }]] as const;
const text = [
  [1, true],
  ['', 'text'],
] as const;
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
    [['UPPER'], ['a.b'], ['-a'], ['a', 'a'], 'a'],
    [[], ['a', 'b-1']],
  ],
  'rbac.create': flag,
  'rbac.secretNames': [
    [['UPPER'], [''], ['a', 'a'], 'a'],
    [[], ['a', 'b.c-1']],
  ],
  'rbac.aggregate': flag,
  'serviceAccount.create': flag,
  'serviceAccount.name': text,
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
  podLabels: texts,
  nodeSelector: texts,
  tolerations: [
    [{}, ['text']],
    [[], [{ operator: 'Exists' }]],
  ],
  affinity: object,
  priorityClassName: text,
  nameOverride: text,
  fullnameOverride: text,
};

/** The chart's values with one changed. */
function changed(field: string, value: unknown): object {
  const copy = structuredClone(values) as Record<string, unknown>;
  const names = field.split('.');
  const last = names.pop() ?? '';
  const holder = names.reduce((at, name) => at[name] as Record<string, unknown>, copy);
  holder[last] = value;
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

  for (const [field, [wrong, right]] of Object.entries(examples))
    it(`have a ${field} that is right`, () => {
      for (const value of wrong) expect(validate(changed(field, value)), JSON.stringify(value)).to.equal(false);
      for (const value of right) expect(validate(changed(field, value)), JSON.stringify(value)).to.equal(true);
    });
});
