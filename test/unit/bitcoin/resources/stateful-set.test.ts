import { expect } from 'chai';
import { headlessService } from '../../../../src/bitcoin/resources/service.ts';
import { defaultPodTemplate, type PodTemplate } from '../../../../src/bitcoin/resources/pod-template.ts';
import { secretOf } from '../../../../src/bitcoin/resources/stateful-set.ts';
import { network, statefulSetOf } from '../../../support/builders.ts';

const image = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };
const ownLabels = { app: 'alice', 'app.kubernetes.io/managed-by': 'bitcoin-controller' };

function podOf(template: Partial<PodTemplate> = {}, version?: string) {
  const options = { ...image, template: { ...defaultPodTemplate, ...template } };
  return statefulSetOf(network({ secret: 'credentials' }), version, options).spec!.template;
}

describe('statefulSetFor', () => {
  it('is the same with the default pod template as without one', () => {
    expect(statefulSetOf(network(), 'v', { ...image, template: defaultPodTemplate })).to.deep.equal(
      statefulSetOf(network(), 'v', image),
    );
  });

  it('adds the pod template to what the controller itself sets, which stays', () => {
    const { metadata, spec } = podOf(
      {
        labels: { team: 'x' },
        annotations: { note: 'y' },
        imagePullSecrets: ['pull'],
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ operator: 'Exists' }],
        securityContext: { runAsUser: 7 },
        resources: { limits: { cpu: '1' } },
        dataSizeLimit: '1Gi',
      },
      'version',
    );
    expect(metadata?.labels).to.deep.equal({ ...ownLabels, team: 'x' });
    expect(metadata?.annotations).to.deep.equal({
      note: 'y',
      'bitcoincontroller.christianb93.github.com/credentials': 'version',
    });
    expect(spec).to.deep.include({
      imagePullSecrets: [{ name: 'pull' }],
      nodeSelector: { 'kubernetes.io/os': 'linux', disk: 'ssd' },
      tolerations: [{ operator: 'Exists' }],
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' }, runAsUser: 7 },
    });
    expect(spec?.containers[0]?.resources).to.deep.equal({ limits: { cpu: '1' } });
    expect(spec?.volumes?.[0]).to.deep.equal({ name: 'data', emptyDir: { sizeLimit: '1Gi' } });
  });

  it('limits the memory and the data of a node by default, and does not where the template says so', () => {
    expect(podOf().spec?.containers[0]?.resources?.limits).to.deep.equal({ memory: '1Gi' });
    expect(podOf().spec?.volumes?.[0]?.emptyDir).to.deep.equal({ sizeLimit: '5Gi' });
    const unlimited = podOf({ resources: {}, dataSizeLimit: '' }).spec;
    expect(unlimited?.containers[0]?.resources).to.deep.equal({});
    expect(unlimited?.volumes?.[0]?.emptyDir).to.deep.equal({});
  });

  it('maps the Secret into a node as christianb93/bitcoin-controller does, and starts without the Secret too', () => {
    const [container] = podOf().spec?.containers ?? [];
    expect(container?.env).to.deep.equal([{ name: 'BC_RPC_SECRET', value: 'credentials' }]);
    expect(container?.envFrom).to.deep.equal([{ secretRef: { name: 'credentials', optional: true } }]);
    expect(secretOf(statefulSetOf(network({ secret: 'credentials' }), 'v', image))).to.equal('credentials');
  });

  it('selects by the label that christianb93/bitcoin-controller has, since a selector cannot change', () => {
    expect(statefulSetOf(network(), undefined, image).spec?.selector).to.deep.equal({ matchLabels: { app: 'alice' } });
  });
});

describe('headlessService', () => {
  it('selects pods by the label of the controller too, so that it selects no pod of others', () => {
    expect(headlessService(network()).spec?.selector).to.deep.equal(ownLabels);
  });
});
