import { expect } from 'chai';
import {
  maxNetworkPolicyBytes,
  maxPodTemplateBytes,
  maxServiceAnnotationsBytes,
  maxSpecBytes,
  oversizedPart,
} from '../../../../src/bitcoin/api/spec-size.ts';

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

  it('names the annotations of Services and the NetworkPolicy that no cache would keep, which would be written for ever', () => {
    const annotationsOf = (length: number) => ({ a: 'x'.repeat(length / 2), b: 'x'.repeat(length / 2) });
    const servicesOf = (length: number) => ({
      p2pPerNode: { type: 'NodePort' as const, annotations: annotationsOf(length) },
      rpc: { type: 'NodePort' as const, annotations: annotationsOf(length) },
    });
    const policyOf = (length: number) => ({ rpcFrom: [{ podSelector: { matchLabels: { a: 'x'.repeat(length) } } }] });
    const fits = { services: servicesOf(maxServiceAnnotationsBytes - 100), networkPolicy: policyOf(maxNetworkPolicyBytes - 100) };
    expect(oversizedPart({ nodes: 1, ...fits })).to.equal(undefined);
    const { p2pPerNode, rpc } = servicesOf(maxServiceAnnotationsBytes);
    expect(oversizedPart({ nodes: 1, services: { p2pPerNode } })).to.equal(
      'spec.services.p2pPerNode.annotations has 12303 bytes as JSON: at most 12288 bytes are allowed',
    );
    expect(oversizedPart({ nodes: 1, services: { rpc } })).to.match(/^spec\.services\.rpc\.annotations has 12303 bytes/);
    expect(oversizedPart({ nodes: 1, networkPolicy: policyOf(maxNetworkPolicyBytes) })).to.match(
      /^spec\.networkPolicy has 98\d\d\d bytes as JSON: at most 98304 /,
    );
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
