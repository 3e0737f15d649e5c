import { expect } from 'chai';
import { z } from 'zod';
import { type JsonSchema, structuralSchema } from '../../../../src/bitcoin/api/structural-schema.ts';

const structural = (schema: z.ZodType): JsonSchema =>
  structuralSchema(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }));
const propertyOf = (field: z.ZodType): JsonSchema =>
  (structural(z.object({ field })) as { properties: { field: JsonSchema } }).properties.field;

describe('structuralSchema', () => {
  it('makes an object whose unknown fields are pruned', () => {
    expect(structural(z.object({ nodes: z.int().min(0).max(9), name: z.string().exactOptional() }))).to.deep.equal({
      type: 'object',
      properties: { nodes: { type: 'integer', minimum: 0, maximum: 9 }, name: { type: 'string' } },
      required: ['nodes'],
    });
  });

  it("leaves out the bounds of JavaScript's integers", () => {
    expect(propertyOf(z.int())).to.deep.equal({ type: 'integer' });
    expect(propertyOf(z.int().min(1))).to.deep.equal({ type: 'integer', minimum: 1 });
  });

  it('keeps the schema of the values of a map', () => {
    const map = z.record(z.string(), z.string().max(63)).meta({ maxProperties: 4, description: 'Labels.' });
    expect(propertyOf(map)).to.deep.equal({
      description: 'Labels.',
      type: 'object',
      maxProperties: 4,
      additionalProperties: { type: 'string', maxLength: 63 },
    });
  });

  it('preserves the unknown fields of an object that may have any, beside those that it knows', () => {
    expect(propertyOf(z.looseObject({ name: z.string() }))).to.deep.equal({
      type: 'object',
      properties: { name: { type: 'string' } },
      required: ['name'],
      'x-kubernetes-preserve-unknown-fields': true,
    });
  });

  it('has no alternatives for what is an integer or a string', () => {
    const share = z.union([z.int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true, maxLength: 4 });
    expect(propertyOf(share)).to.deep.equal({ 'x-kubernetes-int-or-string': true, maxLength: 4 });
  });

  it('ends a description with what the absence of the field means', () => {
    const field = z.enum(['main', 'regtest']).meta({ description: 'The chain.', absent: 'regtest.' });
    expect(propertyOf(field)).to.deep.equal({
      description: 'The chain. If absent: regtest.',
      type: 'string',
      enum: ['main', 'regtest'],
    });
  });

  it('keeps lists with their keys, and rules', () => {
    const rule = { rule: 'self.size() > 0', message: 'must not be empty' };
    const list = z
      .array(z.object({ name: z.string() }))
      .max(3)
      .meta({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        'x-kubernetes-validations': [rule],
      });
    expect(propertyOf(list)).to.deep.equal({
      type: 'array',
      maxItems: 3,
      items: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-validations': [rule],
    });
  });

  it('keeps a field that has the name of a key of JSON Schema', () => {
    const { properties } = structural(z.object({ absent: z.string(), description: z.string() }));
    expect(properties).to.deep.equal({ absent: { type: 'string' }, description: { type: 'string' } });
  });

  it('refuses a default, which the API server would write into every object', () => {
    expect(() => propertyOf(z.string().default('x'))).to.throw(/has a default/);
  });

  it('refuses alternatives, which a structural schema cannot have', () => {
    expect(() => propertyOf(z.union([z.object({ a: z.string() }), z.string()]))).to.throw(/has alternatives/);
  });
});
