import { expect } from 'chai';
import { defaultPodTemplate, parsePodTemplate } from '../../../../src/bitcoin/resources/pod-template.ts';

const parsed = (template: unknown) => parsePodTemplate(JSON.stringify(template));

describe('parsePodTemplate', () => {
  it('has a default for each field that is missing, and keeps what is empty', () => {
    expect(parsed({})).to.deep.equal({ template: defaultPodTemplate });
    const empty = { resources: {}, securityContext: {}, dataSizeLimit: '' };
    expect(parsed(empty)).to.deep.equal({ template: { ...defaultPodTemplate, ...empty } });
  });

  it('takes quantities as numbers and as text, in the form in which the API server returns them', () => {
    const resources = { requests: { cpu: 0.5, memory: '1024Mi' }, limits: { cpu: 2, memory: '1.5Gi' } };
    expect(parsed({ resources, dataSizeLimit: '2048Mi' })).to.deep.equal({
      template: {
        ...defaultPodTemplate,
        resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '2', memory: '1536Mi' } },
        dataSizeLimit: '2Gi',
      },
    });
  });

  it('takes what OpenShift, service meshes and taints need', () => {
    const template = {
      labels: { team: 'x', 'app.kubernetes.io/part-of': '' },
      annotations: { 'sidecar.istio.io/inject': 'false', note: 'any text: "$(x)" é' },
      imagePullSecrets: ['one', 'two.example'],
      nodeSelector: { 'kubernetes.io/arch': 'amd64' },
      tolerations: [
        { operator: 'Exists' },
        { key: 'a.b/c', operator: 'Equal', value: 'd', effect: 'NoExecute', tolerationSeconds: 30 },
        { key: 'only', effect: 'NoSchedule' },
      ],
      securityContext: {
        runAsUser: 1_000_680_000,
        seLinuxOptions: { level: 's0:c26,c5' },
        seccompProfile: { type: 'RuntimeDefault' },
      },
    };
    expect(parsed(template)).to.deep.equal({ template: { ...defaultPodTemplate, ...template } });
  });

  for (const [template, fault] of [
    [[], 'it is not an object'],
    [null, 'it is not an object'],
    [{ nodeSelectors: {} }, 'nodeSelectors is not a known field'],
    [{ labels: { app: 'x' } }, 'labels.app is set by the controller itself'],
    [{ labels: { 'app.kubernetes.io/managed-by': 'x' } }, 'labels.app.kubernetes.io/managed-by is set by the controller itself'],
    [{ labels: { 'controller-revision-hash': 'x' } }, 'labels.controller-revision-hash is set by the controller itself'],
    [{ labels: { 'a b': 'x' } }, 'labels.a b is not the name of a label or annotation'],
    [{ labels: { 'a/b/c': 'x' } }, 'labels.a/b/c is not the name of a label or annotation'],
    [{ labels: { team: 'a b' } }, 'labels.team is not the value of a label'],
    [{ labels: { team: 1 } }, 'labels.team is not text'],
    [
      { annotations: { 'bitcoincontroller.christianb93.github.com/credentials': 'x' } },
      'annotations.bitcoincontroller.christianb93.github.com/credentials is set by the controller itself',
    ],
    [{ imagePullSecrets: ['A'] }, 'imagePullSecrets.0 is not the name of a Secret'],
    [{ imagePullSecrets: [{ name: 'a' }] }, 'imagePullSecrets.0 is not text'],
    [{ nodeSelector: [] }, 'nodeSelector is not a map of texts'],
    [{ tolerations: {} }, 'tolerations is not a list'],
    [{ tolerations: [{ operator: 'Exist' }] }, 'tolerations.0.operator is not one of Exists, Equal'],
    [{ tolerations: [{ value: 'x' }] }, 'tolerations.0.operator is not Exists, as it must be without a key'],
    [
      { tolerations: [{ key: 'a', operator: 'Exists', value: 'x' }] },
      'tolerations.0.value is not empty, as it must be with the operator Exists',
    ],
    [
      { tolerations: [{ key: 'a', tolerationSeconds: 1 }] },
      'tolerations.0.effect is not NoExecute, as it must be with tolerationSeconds',
    ],
    [{ resources: { limits: { memory: '1Gb' } } }, 'resources.limits.memory is not a quantity such as 100m, 0.5 or 512Mi'],
    [{ resources: { limits: { memory: true } } }, 'resources.limits.memory is not a quantity'],
    [{ resources: { claims: [] } }, 'resources.claims is not a known field'],
    [
      { resources: { requests: { cpu: '2' }, limits: { cpu: '1500m' } } },
      'resources.requests.cpu is more than its limit of 1500m',
    ],
    [{ dataSizeLimit: 'much' }, 'dataSizeLimit is not a quantity such as 100m, 0.5 or 512Mi'],
    [{ securityContext: { runAsNonRoot: false } }, 'securityContext.runAsNonRoot is not true'],
    [{ securityContext: { runAsUser: 0 } }, 'securityContext.runAsUser is not a whole number of at least 1'],
    [{ securityContext: { fsGroup: '1' } }, 'securityContext.fsGroup is not a whole number of at least 0'],
    [{ securityContext: { privileged: true } }, 'securityContext.privileged is not a known field'],
    [
      { securityContext: { seccompProfile: { type: 'Unconfined' } } },
      'securityContext.seccompProfile.type is neither RuntimeDefault nor Localhost',
    ],
  ] as const)
    it(`refuses ${JSON.stringify(template)}, and names the field`, () => {
      expect(parsed(template)).to.deep.equal({ fault });
    });

  it('refuses what is not JSON', () => {
    expect(parsePodTemplate('labels: {}')).to.deep.equal({ fault: 'it is not JSON' });
  });
});
