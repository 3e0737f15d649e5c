import { expect } from 'chai';
import { holds } from '../../../src/runtime/field-comparison.ts';
import { headlessService } from '../../../src/bitcoin/resources/service.ts';
import { network, statefulSetOf } from '../../support/builders.ts';

describe('holds', () => {
  const desired = statefulSetOf(network({ secret: 's' }), 'v1', { image: 'i', imagePullPolicy: 'IfNotPresent' });
  const stored = (): typeof desired => structuredClone(desired);

  it('finds an object in itself', () => {
    expect(holds(desired, stored())).to.equal(true);
    expect(holds(headlessService(network()), structuredClone(headlessService(network())))).to.equal(true);
  });

  it('ignores what the API server and other writers add: defaults, labels, containers', () => {
    const actual = stored();
    actual.metadata!.labels!.foreign = 'kept';
    actual.spec!.revisionHistoryLimit = 10;
    actual.spec!.template.spec!.containers.unshift({ name: 'sidecar', image: 'other' });
    expect(holds(desired, actual)).to.equal(true);
  });

  it('ignores an item of the same name that belongs to another writer', () => {
    const actual = stored();
    actual.metadata!.ownerReferences!.unshift({ apiVersion: 'v1', kind: 'ConfigMap', name: 'alice', uid: 'other' });
    expect(holds(desired, actual)).to.equal(true);
  });

  it('detects a label that was added to a selector: it selects other pods', () => {
    const service = headlessService(network());
    const actual = structuredClone(service);
    actual.spec!.selector!.foo = 'bar';
    expect(holds(service, actual)).to.equal(false);
  });

  for (const [what, change] of [
    ['a replica count', actual => (actual.spec!.replicas = 7)],
    ['a label', actual => delete actual.metadata!.labels!.app],
    ['an owner', actual => (actual.metadata!.ownerReferences = [])],
    [
      'a list without names',
      actual => actual.spec!.template.spec!.containers[0]!.securityContext!.capabilities!.drop!.push('NET_RAW'),
    ],
    ['an item of a list with names', actual => (actual.spec!.template.spec!.containers[0]!.image = 'other')],
    ['a missing item', actual => actual.spec!.template.spec!.volumes!.pop()],
  ] as readonly (readonly [string, (actual: typeof desired) => unknown])[])
    it(`detects ${what} that was changed`, () => {
      const actual = stored();
      change(actual);
      expect(holds(desired, actual)).to.equal(false);
    });
});
