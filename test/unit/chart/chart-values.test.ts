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

const quantity = [
  ['1Gb', '-1', 'much'],
  ['1', '0.5', '100m', '512Mi'],
] as const;
const quantities = [
  ['text', ...quantity[0].map(value => ({ memory: value })), { memory: -1 }, { memory: true }],
  [{}, { cpu: 1 }, ...quantity[1].map(value => ({ memory: value }))],
] as const;
const ourGroup = 'bitcoincontroller.christianb93.github.com';

/** What each field refuses, and what it takes. */
const examples: Readonly<Record<string, readonly [wrong: readonly unknown[], right: readonly unknown[]]>> = {
  enabled: flag,
  global: object,
  ...Object.fromEntries(Object.entries(image).map(([name, both]) => [`image.${name}`, both])),
  ...Object.fromEntries(Object.entries(image).map(([name, both]) => [`bitcoind.image.${name}`, both])),
  'bitcoind.resources.requests': quantities,
  'bitcoind.resources.limits': quantities,
  'bitcoind.dataSizeLimit': [
    [1, ...quantity[0]],
    ['', ...quantity[1]],
  ],
  'bitcoind.podLabels': [
    [
      ...texts[0],
      ...['app', 'app.kubernetes.io/managed-by', 'apps.kubernetes.io/pod-index', 'statefulset.kubernetes.io/pod-name'].map(
        key => ({
          [key]: 'x',
        }),
      ),
      { [`${ourGroup}/x`]: 'x' },
      { 'a b': 'x' },
      { team: 'a b' },
    ],
    [...texts[1], { 'app.kubernetes.io/part-of': '' }],
  ],
  'bitcoind.podAnnotations': [
    [...texts[0], { [`${ourGroup}/credentials`]: 'x' }],
    [...texts[1], { 'sidecar.istio.io/inject': 'false' }],
  ],
  'bitcoind.nodeSelector': texts,
  'bitcoind.tolerations': [
    [{}, ['text']],
    [[], [{ operator: 'Exists' }]],
  ],
  'bitcoind.securityContext': object,
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
  'rbac.configMaps': flag,
  'rbac.networkPolicies': flag,
  'rbac.podDisruptionBudgets': flag,
  'rbac.deleteNetworks': flag,
  'rbac.persistentVolumeClaims': flag,
  'rbac.bitcoinExperiments': flag,
  'rbac.podEvictions': flag,
  'rbac.aggregate': flag,
  'admissionPolicy.enabled': flag,
  'admissionPolicy.extraImages': [
    ['image', [''], [1], ['same', 'same'], ['r.example*'], ['r.example/b*/c'], ['**']],
    [[], ['r.example/b:1'], ['r.example/*', 'r.example/b:*'], ['*']],
  ],
  'admissionPolicy.podTemplates': flag,
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
  topologySpreadConstraints: [
    [{}, ['text']],
    [[], [{ maxSkew: 1 }]],
  ],
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

  it('may each be missing, as those are that an older chart did not have', () => {
    for (const field of fieldsOf(schema)) {
      const parts = field.split('.');
      for (const place of parts.map((_, index) => parts.slice(0, index + 1).join('.')))
        expect(validate(changed(place, undefined)), place).to.equal(true);
    }
    expect(validate({})).to.equal(true);
  });

  it('have defaults in the templates that are those of values.yaml', () => {
    const text = readFileSync(path.join(chart, 'templates', '_defaults.tpl'), 'utf8');
    expect(parse(text.replaceAll(/\{\{.*?\}\}/g, ''))).to.deep.equal(values);
  });

  for (const [field, [wrong, right]] of Object.entries(examples))
    it(`have a ${field} that is right`, () => {
      for (const value of wrong) expect(validate(changed(field, value)), JSON.stringify(value)).to.equal(false);
      for (const value of right) expect(validate(changed(field, value)), JSON.stringify(value)).to.equal(true);
    });
});
