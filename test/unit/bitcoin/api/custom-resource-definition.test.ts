import { expect } from 'chai';
import { customResourceDefinition } from '../../../../src/bitcoin/api/custom-resource-definition.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[];
}
interface Definition {
  readonly spec: {
    readonly versions: readonly [
      {
        readonly schema: { readonly openAPIV3Schema: Schema };
        readonly additionalPrinterColumns: readonly {
          readonly name: string;
          readonly jsonPath: string;
          readonly priority?: number;
        }[];
      },
    ];
  };
}

const definition = customResourceDefinition() as unknown as Definition;
const [version] = definition.spec.versions;

/** Every field by its path, items of lists too. */
function fieldsOf(path: string, schema: Schema): readonly (readonly [string, Schema])[] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => fieldsOf(`${path}.${name}`, child));
  const items = schema.items === undefined ? [] : fieldsOf(`${path}[]`, schema.items);
  return [[path, schema], ...inner, ...items];
}

const fields = fieldsOf('', version.schema.openAPIV3Schema);
const spec = fields.filter(([path]) => path.startsWith('.spec'));

describe('customResourceDefinition', () => {
  it('is small enough for client-side apply, with room for three of it', () => {
    // kubectl apply stores it in an annotation, and the annotations of an object have at most 256 KiB.
    expect(Buffer.byteLength(JSON.stringify(definition))).to.be.below(80 * 1024);
  });

  it('describes every field, for kubectl explain', () => {
    const silent = fields.filter(([path, { description }]) => path !== '' && !path.endsWith('[]') && description === undefined);
    expect(silent.map(([path]) => path)).to.deep.equal([]);
  });

  it('says of every list how owners of server-side apply share it', () => {
    const unsaid = fields.filter(([, schema]) => schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined);
    expect(unsaid.map(([path]) => path)).to.deep.equal([]);
  });

  it('bounds every list and every text of the spec', () => {
    const isUnbounded = ({ type, maxItems, maxLength, enum: values }: Schema) =>
      (type === 'array' && maxItems === undefined) || (type === 'string' && maxLength === undefined && values === undefined);
    expect(spec.filter(([, schema]) => isUnbounded(schema)).map(([path]) => path)).to.deep.equal([]);
  });

  it('has a message for every rule', () => {
    const rules = fields.flatMap(([, schema]) => schema['x-kubernetes-validations'] ?? []);
    expect(rules.filter(({ message }) => message === '')).to.deep.equal([]);
    expect(rules.length).to.be.above(30);
  });

  it('shows the edges, the height and the tips, and the chain in the wide output only', () => {
    const columns = version.additionalPrinterColumns;
    expect(columns.filter(({ priority = 0 }) => priority === 0).map(({ name }) => name)).to.deep.equal([
      ...['Nodes', 'Ready', 'Edges', 'Height', 'Tips', 'Connected', 'Age'],
    ]);
    expect(columns.find(({ name }) => name === 'Edges')?.jsonPath).to.equal('.status.edges.summary');
    expect(columns.find(({ name }) => name === 'Chain')?.priority).to.equal(1);
  });
});
