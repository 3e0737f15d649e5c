// A policy of the cluster that refuses something, as an administrator would make it.
import type { TestControlPlane } from './api-server.ts';
import { eventually } from '../until.ts';

export interface Refusal {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** CEL: true for what is allowed. */
  readonly expression: string;
  readonly message: string;
}

/**
 * Resolves once the API server heeds it.
 * @param isRefused tries, as a dry run, what is to be refused
 */
export async function refuse(
  controlPlane: TestControlPlane,
  { name, group, version, plural, expression, message }: Refusal,
  isRefused: () => Promise<boolean>,
): Promise<void> {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const resourceRules = [{ apiGroups: [group], apiVersions: [version], operations: ['CREATE', 'UPDATE'], resources: [plural] }];
  const policy = {
    apiVersion,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: { matchConstraints: { resourceRules }, validations: [{ expression, message }] },
  };
  const binding = {
    apiVersion,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'] },
  };
  for (const object of [policy, binding])
    await controlPlane.kubectlWithInput(JSON.stringify(object), 'create', '--filename', '-');
  await eventually(isRefused);
}

export async function allow(controlPlane: TestControlPlane, name: string): Promise<void> {
  for (const kind of ['validatingadmissionpolicybinding', 'validatingadmissionpolicy'])
    await controlPlane.kubectl('delete', kind, name);
}
