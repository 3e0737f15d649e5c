import { expect } from 'chai';
import { maxPodTemplateBytes, maxSpecBytes, oversizedPart } from '../../../../src/bitcoin/api/spec-size.ts';

const templateOf = (length: number) => ({ metadata: { annotations: { note: 'x'.repeat(length) } } });

describe('oversizedPart', () => {
  it('finds nothing in a spec with as many edges as there may be', () => {
    const edges = Array.from({ length: 5000 }, (_, from) => ({ from, to: 9999 }));
    expect(oversizedPart({ nodes: 1000, topology: { type: 'Edges', edges } })).to.equal(undefined);
    expect(oversizedPart({ nodes: 1, podTemplate: templateOf(maxPodTemplateBytes - 100) })).to.equal(undefined);
  });

  it('names a pod template that is too large, its size and the limit', () => {
    const podTemplate = templateOf(maxPodTemplateBytes);
    expect(oversizedPart({ nodes: 1, podTemplate })).to.equal(
      'spec.podTemplate has 16424 bytes as JSON: at most 16384 bytes are allowed',
    );
    const groups = [{ name: 'old', nodes: 1, ordinals: { start: 9 }, podTemplate }];
    expect(oversizedPart({ nodes: 1, groups })).to.match(/^spec\.groups\[old\]\.podTemplate has 16424 bytes/);
  });

  it('counts bytes, not characters', () => {
    expect(oversizedPart({ nodes: 1, podTemplate: { metadata: { annotations: { note: '☃'.repeat(6000) } } } })).to.match(
      /^spec\.podTemplate has 180\d\d bytes/,
    );
  });

  it('names the spec if all of it is too large', () => {
    const externalPeers = Array.from({ length: 64 }, (_, peer) => ({
      address: `peer-${peer}`,
      ordinals: Array.from({ length: 1000 }, (__, ordinal) => 9000 + ordinal),
    }));
    expect(oversizedPart({ nodes: 1, externalPeers })).to.match(
      new RegExp(`^spec has \\d+ bytes as JSON: at most ${maxSpecBytes} `),
    );
  });
});
