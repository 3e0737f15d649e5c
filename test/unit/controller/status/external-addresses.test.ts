import type { V1Pod, V1Service } from '@kubernetes/client-node';
import { expect } from 'chai';
import { keepService } from '../../../../src/controller/kept-fields.ts';
import { externalAddressesOf } from '../../../../src/controller/status/external-addresses.ts';
import { pod } from '../../../support/builders.ts';

const podOn = (name: string, hostIP: string): V1Pod => {
  const made = pod(name);
  return { ...made, status: { ...made.status, hostIP } };
};

/** As the cache has it. */
function service(type: string, ingress?: readonly object[], name = 'alice-sts-0-p2p'): V1Service {
  const ports = [{ name: 'p2p', port: 18_444, nodePort: 30_765 }];
  const status = ingress === undefined ? { loadBalancer: {} } : { loadBalancer: { ingress: [...ingress] } };
  return keepService({ metadata: { namespace: 'default', name }, spec: { type, ports }, status });
}

describe('the external addresses of nodes', () => {
  const of = (pods: readonly V1Pod[], ...services: readonly V1Service[]) => [...externalAddressesOf(pods, services)];

  for (const [what, hostIP, type, ingress, address] of [
    ['the NodePort on the machine of its pod', '192.0.2.7', 'NodePort', undefined, '192.0.2.7:30765'],
    ['a NodePort of an IPv6 machine in brackets', '2001:db8::7', 'NodePort', undefined, '[2001:db8::7]:30765'],
    ['the address of the load balancer', '192.0.2.7', 'LoadBalancer', [{ ip: '203.0.113.9' }], '203.0.113.9:18444'],
    ['an IPv6 address in brackets', '192.0.2.7', 'LoadBalancer', [{ ip: '2001:db8::9' }], '[2001:db8::9]:18444'],
    ['the name of the load balancer', '192.0.2.7', 'LoadBalancer', [{ hostname: 'lb.example' }], 'lb.example:18444'],
    [
      'the first of several addresses that a load balancer has',
      '192.0.2.7',
      'LoadBalancer',
      [{}, { ip: '203.0.113.9' }, { hostname: 'lb.example' }],
      '203.0.113.9:18444',
    ],
  ] as const)
    it(`are ${what}`, () => {
      const pods = [podOn('alice-sts-0', hostIP), podOn('alice-sts-1', hostIP)];
      expect(of(pods, service(type, ingress))).to.deep.equal([['alice-sts-0', address]]);
    });

  it('are absent until the load balancer has an address, the pod a machine, and the Service a port', () => {
    const first = podOn('alice-sts-0', '192.0.2.7');
    const portless = { ...service('NodePort'), spec: { type: 'NodePort', ports: [{ port: 18_444 }] } };
    expect(of([first], service('LoadBalancer'))).to.deep.equal([]);
    expect(of([pod('alice-sts-0')], service('NodePort'))).to.deep.equal([]);
    expect(of([first], portless)).to.deep.equal([]);
  });

  it('are absent without a Service of the node that is reached from outside, and while it is being deleted', () => {
    const first = podOn('alice-sts-0', '192.0.2.7');
    const made = service('NodePort');
    const deletionTimestamp = '2026-01-01T00:00:00Z' as unknown as Date;
    expect(of([first], { ...made, metadata: { ...made.metadata, deletionTimestamp } })).to.deep.equal([]);
    expect(of([first], service('ClusterIP'), service('NodePort', undefined, 'alice-rpc'))).to.deep.equal([]);
  });
});
