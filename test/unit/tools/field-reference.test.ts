import { expect } from 'chai';
import { z } from 'zod';
import { fieldReference } from '../../../tools/field-reference.ts';

const image = z.string().max(9).exactOptional().meta({ description: 'The image.', absent: 'That of the chart.' });
const schema = z.object({
  spec: z
    .object({
      nodes: z.int().min(0).max(9).meta({ description: 'How many.' }),
      chain: z.enum(['main', 'regtest']).exactOptional().meta({ description: 'The chain.', absent: 'regtest.' }),
      image,
      labels: z.record(z.string(), z.string()).exactOptional().meta({ description: 'A | B.', maxProperties: 4 }),
      affinity: z.looseObject({}).exactOptional().meta({ description: 'Where.' }),
      share: z.union([z.int(), z.string()]).meta({ description: 'Some.', 'x-kubernetes-int-or-string': true }),
      groups: z
        .array(z.object({ name: z.string().meta({ description: 'A name.' }), image }))
        .max(3)
        .meta({ description: 'Groups.' }),
    })
    .meta({
      'x-kubernetes-validations': [
        { rule: 'a', message: 'chain cannot change', fieldPath: '.chain' },
        { rule: 'b', message: 'must be unique', fieldPath: '.groups' },
      ],
    }),
  status: z.object({ ready: z.boolean().meta({ description: 'Whether.' }) }).optional(),
});
const page = fieldReference(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }));
const rowOf = (path: string) => page.split('\n').find(line => line.startsWith(`| \`${path}\``));

describe('the reference of fields', () => {
  it('has a row a field: type, description, what its absence means, and limits', () => {
    expect(rowOf('spec.nodes')).to.equal('| `spec.nodes` | integer | How many. | Required. | 0 to 9 |');
    expect(rowOf('spec.image')).to.equal('| `spec.image` | string | The image. | That of the chart. | at most 9 characters |');
    expect(rowOf('status.ready')).to.equal('| `status.ready` | boolean | Whether. | Always present. |  |');
  });

  it('has a rule of an object at the field that the rule is about', () => {
    expect(rowOf('spec.chain')).to.equal('| `spec.chain` | `main`, `regtest` | The chain. | regtest. | chain cannot change |');
    expect(rowOf('spec.groups')).to.match(/\| at most 3 entries<br>must be unique \|$/);
  });

  it('names the types of maps, of objects of Kubernetes, and of what is an integer or a string', () => {
    expect(rowOf('spec.labels')).to.match(/\| map of string \| A \\\| B\. \|.*\| at most 4 entries \|$/);
    expect(rowOf('spec.affinity')).to.include('| object of Kubernetes |');
    expect(rowOf('spec.share')).to.include('| integer or string |');
  });

  it('describes the settings that groups share with the spec once', () => {
    expect(rowOf('spec.groups[].name')).to.include('| A name. |');
    expect(rowOf('spec.groups[].image')).to.equal(undefined);
    expect(page).to.include('Each of `spec.groups[]` also has `image`, with the same fields');
  });
});
