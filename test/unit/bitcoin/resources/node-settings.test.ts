// The rules by which the settings of a group are merged over those of its network.
import { expect } from 'chai';
import type { NetworkPodTemplate } from '../../../../src/bitcoin/api/pod-template.ts';
import { mergedSettings, optionOf } from '../../../../src/bitcoin/resources/node-settings.ts';

describe('mergedSettings', () => {
  it('takes what the group leaves out from the network, and replaces scalars', () => {
    expect(
      mergedSettings({ image: 'core:31', imagePullPolicy: 'Always', zmq: { topics: ['rawtx'] } }, { image: 'knots:29' }),
    ).to.deep.equal({ image: 'knots:29', imagePullPolicy: 'Always', zmq: { topics: ['rawtx'] } });
    expect(mergedSettings({}, {})).to.deep.equal({});
  });

  it('replaces zmq as a whole: topics without their port would be published on another one', () => {
    expect(mergedSettings({ zmq: { topics: ['rawtx'], port: 3000 } }, { zmq: { topics: ['rawblock'] } })).to.deep.equal({
      zmq: { topics: ['rawblock'] },
    });
  });

  it('merges requests and limits by resource', () => {
    expect(
      mergedSettings(
        { resources: { requests: { cpu: '10m', memory: '80Mi' }, limits: { memory: '192Mi' } } },
        { resources: { requests: { memory: '1Gi' }, limits: { memory: '2Gi' } } },
      ),
    ).to.deep.equal({ resources: { requests: { cpu: '10m', memory: '1Gi' }, limits: { memory: '2Gi' } } });
  });

  for (const [what, network, group, expected] of [
    ['keeps the lines of both', ['txindex=1'], ['logips=1'], ['txindex=1', 'logips=1']],
    ['replaces a line of the same option', ['dbcache=4', 'logips=1'], ['dbcache=8'], ['logips=1', 'dbcache=8']],
    ['replaces all lines of an option', ['debug=net', 'debug=mempool'], ['debug=rpc', 'debug=zmq'], ['debug=rpc', 'debug=zmq']],
    ['takes no… for the same option', ['v2transport=1'], ['nov2transport=1'], ['nov2transport=1']],
    ['adds nothing for an empty list', ['txindex=1'], [], ['txindex=1']],
  ] as const)
    it(`of bitcoinConf ${what}`, () => {
      expect(mergedSettings({ bitcoinConf: [...network] }, { bitcoinConf: [...group] })).to.deep.equal({ bitcoinConf: expected });
    });

  it('merges maps of the pod template by key, and the securityContext by field', () => {
    const network = {
      metadata: { labels: { team: 'a', tier: 'x' }, annotations: { note: 'n' } },
      spec: { nodeSelector: { pool: 'chain' }, securityContext: { runAsUser: 7, fsGroup: 8 } },
    };
    const group = {
      metadata: { labels: { team: 'b' } },
      spec: { nodeSelector: { disk: 'ssd' }, securityContext: { runAsUser: 9 } },
    };
    expect(mergedSettings({ podTemplate: network }, { podTemplate: group })).to.deep.equal({
      podTemplate: {
        metadata: { labels: { team: 'b', tier: 'x' }, annotations: { note: 'n' } },
        spec: { nodeSelector: { pool: 'chain', disk: 'ssd' }, securityContext: { runAsUser: 9, fsGroup: 8 } },
      },
    });
  });

  it('replaces lists, scalars and the affinity of the pod template', () => {
    const network: NetworkPodTemplate = {
      spec: {
        tolerations: [{ operator: 'Exists' }],
        affinity: { nodeAffinity: {} },
        containers: [{ name: 'exporter' }],
        priorityClassName: 'low',
        schedulerName: 'own',
      },
    };
    const group = {
      spec: { tolerations: [], affinity: { podAntiAffinity: {} }, containers: [{ name: 'lnd' }], priorityClassName: 'high' },
    };
    expect(mergedSettings({ podTemplate: network }, { podTemplate: group }).podTemplate?.spec).to.deep.equal({
      ...group.spec,
      schedulerName: 'own',
    });
  });
});

describe('optionOf', () => {
  it('is the key of a line, without the no that negates it', () => {
    expect(['dbcache=4', 'debug=', 'nodebug=1', 'alertnotify=a=b'].map(optionOf)).to.deep.equal([
      'dbcache',
      'debug',
      'debug',
      'alertnotify',
    ]);
  });
});
