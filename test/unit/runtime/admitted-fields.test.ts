import { expect } from 'chai';
import { AdmittedFields, areOwn, differencesOf } from '../../../src/runtime/admitted-fields.ts';
import { holds } from '../../../src/runtime/field-comparison.ts';
import { network, statefulSetOf } from '../../support/builders.ts';

const wanted = statefulSetOf(network(), undefined, { image: 'i', imagePullPolicy: 'IfNotPresent' });
const admitted = (cpu = '50m'): typeof wanted => {
  const answer = structuredClone(wanted);
  answer.spec!.template.spec!.containers[0]!.resources!.requests!.cpu = cpu;
  return answer;
};

describe('differencesOf', () => {
  it('names the path of each field that has another value', () => {
    expect(differencesOf(wanted, admitted()).map(({ actual }) => actual)).to.deep.equal(['50m']);
  });

  const changes: readonly ((actual: typeof wanted) => unknown)[] = [
    () => undefined,
    actual => (actual.spec!.replicas = 7),
    actual => delete actual.metadata!.labels!.app,
    actual => (actual.metadata!.ownerReferences = []),
    actual => actual.metadata!.ownerReferences!.unshift({ apiVersion: 'v1', kind: 'ConfigMap', name: 'alice', uid: 'o' }),
    actual => actual.spec!.template.spec!.containers[0]!.securityContext!.capabilities!.drop!.push('NET_RAW'),
    actual => actual.spec!.template.spec!.volumes!.pop(),
    actual => actual.spec!.template.spec!.containers.unshift({ name: 'sidecar' }),
    actual => (actual.spec!.selector.matchLabels!.x = 'y'),
    actual => delete actual.spec,
  ];
  it('finds none exactly when the object holds all that is wanted', () => {
    for (const change of changes) {
      const actual = structuredClone(wanted);
      change(actual);
      expect(differencesOf(wanted, actual).length === 0, String(change)).to.equal(holds(wanted, actual));
    }
  });
});

describe('areOwn', () => {
  const cpuOf = (manager: string, subresource?: string) => ({
    manager,
    operation: 'Apply',
    ...(subresource === undefined ? {} : { subresource }),
    fieldsV1: {
      'f:spec': {
        'f:template': {
          'f:spec': {
            'f:containers': { 'k:{"name":"bitcoind"}': { '.': {}, 'f:resources': { 'f:requests': { 'f:cpu': {} } } } },
          },
        },
      },
    },
  });
  const differences = differencesOf(wanted, admitted());

  it('takes a value for ours when we own the field that has it', () => {
    expect(areOwn(differences, [cpuOf('other'), cpuOf('bitcoin-controller')], 'bitcoin-controller')).to.equal(true);
  });

  it('takes a part of what has one owner for that owner’s', () => {
    const atomic = { manager: 'bitcoin-controller', fieldsV1: { 'f:spec': { 'f:template': {} } } };
    expect(areOwn(differences, [atomic], 'bitcoin-controller')).to.equal(true);
  });

  for (const [what, fields] of [
    ['another manager owns it', [cpuOf('kubectl-edit')]],
    ['we own it by a subresource alone', [cpuOf('bitcoin-controller', 'status')]],
    ['we own another item', [{ manager: 'bitcoin-controller', fieldsV1: { 'f:spec': { 'k:{"name":"x"}': {} } } }]],
    ['nothing says who does', []],
    ['what says so cannot be read', [{ manager: 'bitcoin-controller', fieldsV1: { 'k:nonsense': 1 } }]],
  ] as const)
    it(`does not when ${what}`, () => {
      expect(areOwn(differences, fields, 'bitcoin-controller')).to.equal(false);
    });

  it('does not when the field is gone', () => {
    const actual = structuredClone(wanted);
    delete actual.spec!.template.spec!.containers[0]!.resources;
    expect(areOwn(differencesOf(wanted, actual), [cpuOf('bitcoin-controller')], 'bitcoin-controller')).to.equal(false);
  });
});

describe('AdmittedFields', () => {
  it('explains what the API server answered to the last write, and nothing else', () => {
    const fields = new AdmittedFields();
    expect(fields.explains(wanted, admitted())).to.equal(false);
    fields.remember(wanted, admitted());
    expect(fields.explains(wanted, admitted())).to.equal(true);
    expect(fields.explains(wanted, admitted('70m'))).to.equal(false);
    expect(fields.explains({ ...wanted, kind: 'Other' }, admitted())).to.equal(false);
  });

  it('explains no difference any more once a write was answered without one', () => {
    const fields = new AdmittedFields();
    fields.remember(wanted, admitted());
    fields.remember(wanted, structuredClone(wanted));
    expect(fields.explains(wanted, admitted())).to.equal(false);
  });
});
