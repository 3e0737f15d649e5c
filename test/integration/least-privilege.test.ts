// The chart's roles grant exactly what the controller needs: two replicas run with the chart's service account through all of their work, and
// the audit log then shows no refused request and no unused right. So it is without the rights that only some networks need, too: those
// networks report it. Nodes and bitcoinds are simulated.
import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import type { TestControlPlane } from '../support/cluster/api-server.ts';
import { untilEstablished } from '../support/cluster/established.ts';
import {
  chartNamespace,
  type ChartValues,
  controllerArguments,
  renderChart,
  type RenderedObject,
} from '../support/cluster/chart.ts';
import { ControllerProcess } from '../support/processes/controller-process.ts';
import { startKwokCluster } from '../support/cluster/kwok.ts';
import { type AuditedRequest, grantsTo, nameOfGrant, permits, requestsOf } from '../support/cluster/rights.ts';
import { SimulatedBitcoind } from '../support/fakes/simulated-bitcoind.ts';
import { eventually } from '../support/until.ts';

const group = 'bitcoincontroller.christianb93.github.com';
const account = { namespace: chartNamespace, name: 'bitcoin-controller' };
const username = `system:serviceaccount:${account.namespace}:${account.name}`;
const credentials = { user: 'alice', password: 'a-password' };
const namespace = 'networks';
const secretName = 'bitcoin-default-secret';
/** The chart names it, and it does not exist at first. */
const laterSecret = 'later-secret';
/** It has the hash of the password. */
const hashes = 'hashes';
const admissionPlugin = 'OwnerReferencesPermissionEnforcement';
const networks = `bitcoinnetworks.${group}`;
const managedByLabel = 'app.kubernetes.io/managed-by';

/** An admission plugin checks this right, which no audit log shows. A separate test proves that it is needed. */
const usedByAdmission = `update ${group}/bitcoinnetworks/finalizers`;

/** Each with a network that needs it, and what is reported of that network without the right. */
const optionalRights = {
  configMaps: { spec: { bitcoinConf: ['txindex=1'] }, words: 'may not create a ConfigMap (chart value rbac.configMaps)' },
  networkPolicies: {
    spec: { networkPolicy: {} },
    words: 'networkPolicy: the controller may not create a NetworkPolicy (chart value rbac.networkPolicies)',
  },
  podDisruptionBudgets: {
    spec: { podDisruptionBudget: {} },
    words: 'podDisruptionBudget: the controller may not create a PodDisruptionBudget (chart value rbac.podDisruptionBudgets)',
  },
  deleteNetworks: {
    spec: { ttlSecondsAfterCreation: 60 },
    words: 'ttlSecondsAfterCreation: the controller may not delete networks (chart value rbac.deleteNetworks)',
  },
} as const;

/** An image of a group of nodes. */
const otherImage = 'registry.example/bitcoin/knots:29.3';

const forms: Readonly<Record<string, ChartValues & { readonly rbac?: Readonly<Record<string, boolean>> }>> = {
  'for the whole cluster': {},
  'for the whole cluster, without those that only some networks need': {
    rbac: { configMaps: false, networkPolicies: false, podDisruptionBudgets: false, bitcoinExperiments: false },
  },
  'for the watched namespaces, with events of events.k8s.io': {
    rbac: { deleteNetworks: true },
    watchNamespaces: [namespace, 'another'],
    controller: { eventsApi: 'events' },
  },
  'for the whole cluster, under the admission policy': {
    rbac: { deleteNetworks: true, podEvictions: true },
    admissionPolicy: { enabled: true, extraImages: ['registry.example/bitcoin/*'] },
    controller: { eventsApi: 'events' },
  },
};

for (const [form, values] of Object.entries(forms))
  describe(`the rights that the chart grants ${form}`, function () {
    this.timeout(0);
    let api: TestControlPlane;
    let bitcoind: SimulatedBitcoind;
    let objects: readonly RenderedObject[];
    let kubeconfig: string;
    const replicas: ControllerProcess[] = [];
    const { bitcoinExperiments: hasExperiments = true, podEvictions: evictsPods = false } = values.rbac ?? {};
    const mayDelete = values.rbac?.['deleteNetworks'] === true;

    const kubectl = (...args: string[]): Promise<string> => api.kubectl('-n', namespace, ...args);
    const create = (object: object): Promise<string> =>
      api.kubectlWithInput(JSON.stringify(object), '-n', namespace, 'create', '-f', '-');
    const wait = (what: string, condition: string): Promise<string> =>
      kubectl('wait', `--for=${condition}`, what, '--timeout=60s');
    const start = async (name: string): Promise<ControllerProcess> => {
      // The chart's ports are the same for both replicas, which are on one machine here.
      const args = [...controllerArguments(objects), '--health-address=off', '--log-level-address=off'];
      const environment = { POD_NAME: name, POD_NAMESPACE: chartNamespace };
      const replica = await ControllerProcess.start({ kubeconfig, args, environment });
      replicas.push(replica);
      return replica;
    };
    const says = (replica: ControllerProcess | undefined, text: string): Promise<unknown> | undefined =>
      replica?.logged(({ message }) => message === text);
    const requests = (): Promise<readonly AuditedRequest[]> => requestsOf(username, api.auditLogPath);

    before(async () => {
      objects = await renderChart({ ...values, rbac: { ...values.rbac, secretNames: [secretName, laterSecret, hashes] } });
      api = await startKwokCluster({ nodes: 2, apiServerArguments: [`--enable-admission-plugins=${admissionPlugin}`] });
      // After the cluster, of which there is one at a time: so its port is free.
      bitcoind = await SimulatedBitcoind.start(credentials);
      for (const name of [chartNamespace, namespace, 'another']) await api.kubectl('create', 'namespace', name);
      const applied = objects.filter(({ kind }) => kind !== 'Deployment');
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: applied });
      await api.kubectlWithInput(list, 'apply', '--server-side', '-f', '-');
      await untilEstablished(api, `crd/bitcoinnetworks.${group}`, `crd/bitcoinexperiments.${group}`);
      kubeconfig = await api.kubeconfigForServiceAccount(account.namespace, account.name);
      if (policies().length > 0) await eventually(isPolicyHeeded);
      await eventually(isOwnerKnown);
    });

    const policies = (): readonly RenderedObject[] => objects.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy');
    const dryRun = (object: object): Promise<string> =>
      api
        .kubectlWithInput(
          JSON.stringify(object),
          ...['-n', namespace, 'create', '--dry-run=server', '-f', '-', `--as=${username}`],
        )
        .catch((error: unknown) => String(error));
    const isPolicyHeeded = async (): Promise<boolean> => {
      const foreign = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } };
      return (await dryRun(foreign)).includes('writes only Services that a BitcoinNetwork controls');
    };
    /** The admission plugin reads the kinds of owners at intervals: until then it refuses all owned objects. */
    const isOwnerKnown = async (): Promise<boolean> => !(await dryRun(ownedService('any'))).includes('cannot find RESTMapping');

    after(async () => {
      await Promise.all(replicas.map(replica => replica.kill()));
      await api.stop();
      await bitcoind.stop();
    });

    it('let two replicas start, and one lead', async () => {
      await says(await start('first'), 'Became leader');
      await says(await start('second'), 'Waiting for the lease');
      await eventually(async () => (await leaseEvents()) === 1);
    });

    const leaseEvents = async (): Promise<number> => {
      const found = await api.kubectl(
        '-n',
        chartNamespace,
        'get',
        'events',
        '--field-selector=reason=LeaderElection',
        '-o',
        'name',
      );
      return found.split('\n').filter(line => line !== '').length;
    };

    it('let it create a network, scale it, and repair it', async () => {
      await create(secret(secretName));
      // It is gone in the end.
      if (mayDelete) await create(network('mayfly', { nodes: 1, secret: secretName, ttlSecondsAfterCreation: 60 }));
      await create(network('alice', { nodes: 3, secret: secretName }));
      await wait('bitcoinnetwork/alice', 'condition=Connected');
      for (const nodes of [4, 3]) {
        await kubectl('scale', 'bitcoinnetwork/alice', `--replicas=${nodes}`);
        await wait('bitcoinnetwork/alice', `jsonpath={.status.readyNodes}=${nodes}`);
      }
      await kubectl('scale', 'statefulset/alice-sts', '--replicas=1');
      await wait('statefulset/alice-sts', 'jsonpath={.spec.replicas}=3');
      await kubectl('delete', 'service/alice-svc');
      await wait('service/alice-svc', 'create');
      const image = '{.spec.template.spec.containers[0].image}';
      const wanted = await kubectl('get', 'statefulset/alice-sts', '-o', `jsonpath=${image}`);
      await kubectl('set', 'image', 'statefulset/alice-sts', 'bitcoind=older:1');
      await wait('statefulset/alice-sts', `jsonpath=${image}=${wanted}`);
    });

    if (hasExperiments)
      it('let it run an experiment, hold it meanwhile, and delete it afterwards', async () => {
        const restart = { name: 'restart', restart: { ordinals: [1] } };
        const steps = [{ name: 'wait', wait: { seconds: 1 } }, ...(evictsPods ? [restart] : [])];
        await create(experiment('runs', { steps }));
        await wait('bitcoinexperiment/runs', 'condition=Complete');
        await create(experiment('goes', { steps, ttlSecondsAfterFinished: 0 }));
        await wait('bitcoinexperiment/goes', 'delete');
        if (evictsPods) return;
        await create(experiment('refused', { steps: [restart] }));
        await wait('bitcoinexperiment/refused', 'condition=Failed');
        const failed = '{.status.conditions[?(@.type=="Failed")].message}';
        expect(await kubectl('get', 'bitcoinexperiment/refused', '-o', `jsonpath=${failed}`)).to.include(
          'the controller may not evict pods (chart value rbac.podEvictions)',
        );
      });

    if (!hasExperiments)
      it('let it report which chart value gives it the right that a network needs, and serve that network as far as it may', async () => {
        for (const [kind, { spec, words }] of Object.entries(optionalRights)) {
          const name = kind.toLowerCase();
          await create(network(name, { nodes: 1, secret: secretName, ...spec }));
          const accepted = '{.status.conditions[?(@.type=="SpecAccepted")]';
          await wait(`bitcoinnetwork/${name}`, `jsonpath=${accepted}.reason}=RightMissing`);
          expect(await kubectl('get', `bitcoinnetwork/${name}`, '-o', `jsonpath=${accepted}.status}`)).to.equal('False');
          expect(await kubectl('get', `bitcoinnetwork/${name}`, '-o', `jsonpath=${accepted}.message}`)).to.include(words);
          await wait(`statefulset/${name}-sts`, 'create');
        }
      });
    else
      it('let it create all that a network can ask for, repair it, and delete what it asks for no more', async () => {
        const { user, password } = credentials;
        const hash = createHmac('sha256', 'a-salt').update(password).digest('hex');
        await create({ ...secret(hashes), stringData: { 'rpcauth.conf': `rpcauth=${user}:a-salt$${hash}` } });
        await create(network('hashed', { nodes: 1, secret: secretName, rpcAuth: { secretName: hashes } }));
        await wait('bitcoinnetwork/hashed', 'condition=Connected');
        await create(network('rich', { nodes: 2, secret: secretName }));
        await wait('bitcoinnetwork/rich', 'condition=Connected');
        const asked = {
          ...{ nodes: 3, networkPolicy: {}, podDisruptionBudget: {}, topology: { type: 'Ring' } },
          groups: [{ name: 'old', nodes: 1, ordinals: { start: 100 }, image: otherImage, bitcoinConf: ['txindex=1'] }],
          services: { p2pPerNode: { type: 'NodePort' }, rpc: { type: 'ClusterIP' } },
        };
        await change('bitcoinnetwork/rich', { spec: asked });
        for (const child of richChildren) await wait(child, 'create');
        await wait('bitcoinnetwork/rich', `jsonpath={.status.edges.summary}=3/3`);
        for (const [child, field, value] of drifts) {
          const wanted = await kubectl('get', child, '-o', `jsonpath={${field}}`);
          await change(child, value);
          await untilIs(child, `{${field}}`, wanted);
        }
        const nothing = Object.fromEntries(Object.keys(asked).map(field => [field, null]));
        await change('bitcoinnetwork/rich', { spec: { ...nothing, nodes: 2 } });
        for (const child of richChildren) await wait(child, 'delete');
        await wait('bitcoinnetwork/rich', 'jsonpath={.status.readyNodes}=2');
      });

    const change = (what: string, merged: object): Promise<string> =>
      kubectl('patch', what, '--type=merge', '-p', JSON.stringify(merged));

    it('let it diagnose why pods are not created, and trigger a retry', async () => {
      const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'full' }, spec: { hard: { pods: '0' } } };
      await create(quota);
      // A quota takes effect once its use has been counted.
      await wait('resourcequota/full', 'jsonpath={.status.hard.pods}=0');
      await create(network('refused', { nodes: 1, secret: secretName }));
      await wait('bitcoinnetwork/refused', `jsonpath={.status.conditions[?(@.type=="Ready")].reason}=PodCreateFailed`);
      await kubectl('delete', 'resourcequota/full');
      await wait('bitcoinnetwork/refused', 'condition=Connected');
      await kubectl('delete', 'bitcoinnetwork/refused');
    });

    it('let it restore its label on its own objects', async () => {
      for (const child of ['service/alice-svc', 'statefulset/alice-sts']) {
        await kubectl('label', child, `${managedByLabel}-`, 'foreign=kept');
        await wait(child, `jsonpath={.metadata.labels.${managedByLabel.replaceAll('.', '\\.')}}=bitcoin-controller`);
        expect(await kubectl('get', child, '-o', 'jsonpath={.metadata.labels.foreign}')).to.equal('kept');
      }
    });

    it('let it recreate an object whose immutable field changed while the network was paused', async () => {
      await kubectl('annotate', 'bitcoinnetwork/alice', `${group}/paused=true`);
      await recreate('statefulset/alice-sts', spec => ({ ...spec, podManagementPolicy: 'OrderedReady' }));
      await recreate('service/alice-svc', ({ selector, ports }) => ({ selector, ports }));
      await kubectl('annotate', 'bitcoinnetwork/alice', `${group}/paused-`);
      await untilIs('statefulset/alice-sts', '{.spec.podManagementPolicy}', 'Parallel');
      await untilIs('service/alice-svc', '{.spec.clusterIP}', 'None');
      await wait('bitcoinnetwork/alice', 'condition=Connected');
    });

    it('let it adopt the orphaned objects of a network', async () => {
      await kubectl('delete', 'bitcoinnetwork/alice', '--cascade=orphan');
      await create(network('alice', { nodes: 3, secret: secretName }));
      await wait('bitcoinnetwork/alice', 'condition=Connected');
      const uid = await kubectl('get', 'bitcoinnetwork/alice', '-o', 'jsonpath={.metadata.uid}');
      for (const child of ['service/alice-svc', 'statefulset/alice-sts'])
        await untilIs(child, '{.metadata.ownerReferences[*].uid}', uid);
    });

    /** Retries while the object is absent for a moment. */
    const untilIs = (what: string, field: string, value: string): Promise<void> =>
      eventually(async () => (await kubectl('get', what, '-o', `jsonpath=${field}`).catch(() => '')) === value);

    /** Deletes an object, orphans what it owns, and recreates it with another spec. */
    async function recreate(what: string, changed: (spec: Record<string, unknown>) => object): Promise<void> {
      const { apiVersion, kind, metadata, spec } = JSON.parse(await kubectl('get', what, '-o', 'json')) as RenderedObject;
      const { name, labels, ownerReferences } = metadata as typeof metadata & { ownerReferences: object };
      await kubectl('delete', what, '--cascade=orphan');
      await create({
        apiVersion,
        kind,
        metadata: { name, labels, ownerReferences },
        spec: changed(spec as Record<string, unknown>),
      });
    }

    it('let it report faulty credentials repeatedly', async () => {
      await create(network('rejected', { nodes: 1 }));
      await create(secret('unnamed'));
      await create(network('forbidden', { nodes: 1, secret: 'unnamed' }));
      await create(network('missing', { nodes: 1, secret: laterSecret }));
      const reason = (is: string): string => `jsonpath={.status.conditions[?(@.type=="Connected")].reason}=${is}`;
      await wait('bitcoinnetwork/rejected', reason('CredentialsRejected'));
      await wait('bitcoinnetwork/forbidden', reason('CredentialsForbidden'));
      await wait('bitcoinnetwork/missing', reason('CredentialsMissing'));
      await create(secret(laterSecret));
      await wait('bitcoinnetwork/missing', 'condition=Connected');
      await eventually(async () => (await repeatedEvents()) > 0);
    });

    const repeatedEvents = async (): Promise<number> => {
      const { items } = JSON.parse(await kubectl('get', 'events', '-o', 'json')) as {
        items: { count?: number; series?: object }[];
      };
      return items.filter(({ count, series }) => (count ?? 1) > 1 || series !== undefined).length;
    };

    it('let the other replica take over, and the first one return', async () => {
      const [first, second] = replicas;
      await first?.stop();
      await says(second, 'Became leader');
      const third = await start('third');
      await create(network('bob', { nodes: 2, secret: secretName }));
      await wait('bitcoinnetwork/bob', 'condition=Connected');
      await second?.stop();
      await says(third, 'Became leader');
    });

    if (mayDelete)
      it('let it delete a network whose time is over', async () => {
        await eventually(async () => !(await kubectl('get', 'bitcoinnetworks', '-o', 'name')).includes('/mayfly'));
        await eventually(async () => (await kubectl('get', 'events', '-o', 'jsonpath={.items[*].reason}')).includes('Expired'));
      });

    it('let it observe the deletion of networks', async () => {
      await kubectl('delete', 'bitcoinnetworks', '--all');
    });

    it('let those who may view see networks, and those who may edit change them', async () => {
      for (const role of ['view', 'edit'])
        await kubectl('create', 'rolebinding', role, `--clusterrole=${role}`, `--user=${role}er`);
      const may = async (user: string, ...what: string[]): Promise<boolean> =>
        (await kubectl('auth', 'can-i', ...what, `--as=${user}`).catch((error: unknown) => String(error))).startsWith('yes');
      // The controller manager aggregates the chart's roles into the built-in ones.
      await eventually(async () => (await may('viewer', 'watch', networks)) && (await may('editer', 'create', networks)));
      expect(await may('viewer', 'patch', networks)).to.equal(false);
      expect(await may('editer', 'patch', networks, '--subresource=scale')).to.equal(true);
      expect(await may('editer', 'patch', networks, '--subresource=status')).to.equal(false);
    });

    it('let it start with an API server that only lists in pages', async () => {
      await Promise.all(replicas.map(replica => replica.stop()));
      await api.stopApiServer('abruptly');
      await api.startApiServer([`--enable-admission-plugins=${admissionPlugin}`, '--feature-gates=WatchList=false']);
      const replica = await start('fourth');
      await says(replica, 'Became leader');
      await replica.stop();
    });

    it('have policies that fit the kinds that they judge', async () => {
      for (const { metadata } of policies()) {
        const policy = ['get', 'validatingadmissionpolicy', metadata.name, '-o'];
        // A controller of Kubernetes checks their types.
        await eventually(async () => (await api.kubectl(...policy, 'jsonpath={.status.observedGeneration}')) !== '');
        expect(await api.kubectl(...policy, 'jsonpath={.status.typeChecking.expressionWarnings}'), metadata.name).to.equal('');
      }
    });

    it('are sufficient: nothing was refused except the Secret that the chart does not name', async () => {
      const refused = (await requests()).filter(({ code }) => code === 401 || code === 403);
      const refusedNames = new Set(refused.map(({ verb, resource, name = '' }) => `${verb} ${resource} ${name}`));
      const evictions = hasExperiments && !evictsPods ? ['create pods/eviction alice-sts-1'] : [];
      expect([...refusedNames].sort()).to.deep.equal([...evictions, 'get secrets unnamed']);
      const messages = await api.kubectl('get', 'events', '--all-namespaces', '-o', 'jsonpath={.items[*].message}');
      expect(messages).not.to.include('ValidatingAdmissionPolicy');
    });

    it('cover every request: none relied on the rights that every account has', async () => {
      const grants = grantsTo(account, objects);
      const others = (await requests()).filter(request => request.code !== 403 && !grants.some(grant => permits(grant, request)));
      expect(others.map(({ verb, path }) => `${verb} ${path}`)).to.deep.equal([]);
    });

    it('are all used, except one that an admission plugin requires', async () => {
      const done = await requests();
      // The roles of the watched namespaces are the same role.
      const rights = new Map<string, boolean>();
      for (const grant of grantsTo(account, objects)) {
        const right = `${nameOfGrant(grant)} by ${grant.role}`;
        rights.set(right, rights.get(right) === true || done.some(request => permits(grant, request)));
      }
      const unused = [...rights].filter(([, isUsed]) => !isUsed).map(([right]) => right);
      expect(unused).to.deep.equal([`${usedByAdmission} by bitcoin-controller`]);
    });

    it('need that right: without it the plugin refuses owned objects', async () => {
      const weaker = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'weaker', namespace: account.namespace } };
      await api.kubectlWithInput(JSON.stringify(weaker), 'apply', '-f', '-');
      await api.kubectl('create', 'clusterrole', 'weaker', '--verb=create', '--resource=services');
      await api.kubectl(
        'create',
        'clusterrolebinding',
        'weaker',
        '--clusterrole=weaker',
        `--serviceaccount=${account.namespace}:weaker`,
      );
      await create(network('owner', { nodes: 1, secret: secretName }));
      const uid = await kubectl('get', 'bitcoinnetwork/owner', '-o', 'jsonpath={.metadata.uid}');
      const owned = ownedService(uid);
      const createAs = (who: string): Promise<string> =>
        api.kubectlWithInput(JSON.stringify(owned), '-n', namespace, 'create', '--dry-run=server', '-f', '-', `--as=${who}`);
      expect(await createAs(username)).to.include('service/owner-svc created');
      const refused = await createAs(`system:serviceaccount:${account.namespace}:weaker`).catch((error: unknown) =>
        String(error),
      );
      expect(refused).to.include('cannot set blockOwnerDeletion');
    });
  });

/** What the network `rich` has besides what every network has. */
const richChildren = [
  ...['configmap/rich-conf', 'networkpolicy/rich-netpol', 'poddisruptionbudget/rich-pdb', 'statefulset/rich-sts-old'],
  ...['service/rich-rpc', 'service/rich-sts-0-p2p', 'service/rich-sts-old-100-p2p'],
];

/** A field of each kind, and how another writer changes it. */
const drifts = [
  ['configmap/rich-conf', '.data.bitcoin\\.conf', { data: { 'bitcoin.conf': 'regtest=0' } }],
  ['networkpolicy/rich-netpol', '.spec.policyTypes', { spec: { policyTypes: ['Egress'] } }],
  ['poddisruptionbudget/rich-pdb', '.spec.maxUnavailable', { spec: { maxUnavailable: 7 } }],
  ['service/rich-rpc', '.spec.type', { spec: { type: 'NodePort' } }],
  ['statefulset/rich-sts-old', '.spec.replicas', { spec: { replicas: 0 } }],
] as const;

const ownedService = (uid: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'owner-svc',
    labels: { app: 'owner', [managedByLabel]: 'bitcoin-controller' },
    ownerReferences: [
      { apiVersion: `${group}/v1`, kind: 'BitcoinNetwork', name: 'owner', uid, controller: true, blockOwnerDeletion: true },
    ],
  },
  spec: { clusterIP: 'None', selector: { app: 'owner', [managedByLabel]: 'bitcoin-controller' }, ports: [{ port: 18444 }] },
});

const secret = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  stringData: { BC_RPC_USER: credentials.user, BC_RPC_PASSWORD: credentials.password },
});

const experiment = (name: string, spec: object) => ({
  ...{ apiVersion: `${group}/v1`, kind: 'BitcoinExperiment', metadata: { name } },
  spec: { network: { name: 'alice' }, ...spec },
});

const network = (name: string, spec: object) => ({ apiVersion: `${group}/v1`, kind: 'BitcoinNetwork', metadata: { name }, spec });
