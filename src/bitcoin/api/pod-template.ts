// What a network adds to its pods: a closed list of fields, under the names that Kubernetes gives them.
import type {
  V1Affinity,
  V1Container,
  V1PodSecurityContext,
  V1TopologySpreadConstraint,
  V1Volume,
} from '@kubernetes/client-node';
import * as z from 'zod';
import { annotations, labels, listAtomic, listMap, objectName, uncheckedNamedObject, uncheckedObject } from './field-types.ts';

/** The container of bitcoind. No other one may have its name. */
export const bitcoindContainerName = 'bitcoind';
/** The volumes of the controller: bitcoind's data, its written configuration, and the ConfigMap of the network. */
const ownVolumeNames = ['data', 'configuration', 'conf'] as const;

const containerRule = {
  rule: `self.all(c, c.name != '${bitcoindContainerName}')`,
  message: `${bitcoindContainerName} is the name of the controller's container: choose another name`,
};
const volumeRule = {
  rule: `self.all(v, !(v.name in [${ownVolumeNames.map(name => `'${name}'`).join(', ')}]))`,
  message: `${ownVolumeNames.join(', ')} are the names of the controller's volumes: choose another name`,
};

const tolerationSchema = z.object({
  key: z.string().max(316).exactOptional().meta({ description: 'The key of the taint.', absent: 'Any, with operator Exists.' }),
  operator: z
    .enum(['Exists', 'Equal'])
    .exactOptional()
    .meta({ description: 'How key and value are compared with the taint.', absent: 'Equal.' }),
  value: z
    .string()
    .max(63)
    .exactOptional()
    .meta({ description: 'The value of the taint, with operator Equal.', absent: 'The empty value.' }),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    .exactOptional()
    .meta({ description: 'The effect of the taint.', absent: 'Any.' }),
  tolerationSeconds: z.int().exactOptional().meta({
    format: 'int64',
    description: 'How many seconds a pod stays on the machine, with effect NoExecute.',
    absent: 'Forever.',
  }),
});

const podMetadataSchema = z
  .object({
    labels: labels().exactOptional().meta({
      description: 'Labels of the pods, besides those of the chart. Those that the controller sets win.',
      absent: 'Those of the chart.',
    }),
    annotations: annotations().exactOptional().meta({
      description: 'Annotations of the pods, besides those of the chart. Those that the controller sets win.',
      absent: 'Those of the chart.',
    }),
  })
  .meta({ description: 'Labels and annotations of the pods.', absent: 'Those of the chart.' });

const containers = (description: string) =>
  z
    .array(uncheckedNamedObject<V1Container>())
    .max(8)
    .exactOptional()
    .meta({ ...listMap('name'), description, absent: 'None.', 'x-kubernetes-validations': [containerRule] });

const schedulingFields = {
  nodeSelector: labels().exactOptional().meta({
    description: 'Labels that a machine must have to run the pods, besides those of the chart.',
    absent: 'Those of the chart.',
  }),
  tolerations: z
    .array(tolerationSchema)
    .max(32)
    .exactOptional()
    .meta({
      ...listAtomic,
      description: 'Taints of machines that the pods tolerate. They replace those of the chart.',
      absent: 'Those of the chart.',
    }),
  affinity: uncheckedObject<V1Affinity>()
    .exactOptional()
    .meta({ description: 'Which machines and which other pods the pods prefer, need or avoid.', absent: 'None.' }),
  topologySpreadConstraints: z
    .array(uncheckedObject<V1TopologySpreadConstraint>())
    .max(8)
    .exactOptional()
    .meta({
      ...listAtomic,
      description: 'How the pods are spread over machines or zones.',
      absent: 'As the cluster spreads pods.',
    }),
  priorityClassName: objectName()
    .exactOptional()
    .meta({ description: 'The PriorityClass of the pods.', absent: 'As the cluster sets it.' }),
  runtimeClassName: objectName()
    .exactOptional()
    .meta({ description: 'The RuntimeClass of the pods.', absent: 'As the cluster sets it.' }),
  schedulerName: objectName().exactOptional().meta({ description: 'The scheduler of the pods.', absent: 'default-scheduler.' }),
};

const podSpecSchema = z
  .object({
    ...schedulingFields,
    serviceAccountName: objectName()
      .exactOptional()
      .meta({ description: 'The ServiceAccount of the pods. Its token is not mounted.', absent: 'default.' }),
    imagePullSecrets: z
      .array(z.object({ name: objectName().meta({ description: 'The name of a Secret in the same namespace.' }) }))
      .max(16)
      .exactOptional()
      .meta({
        ...listMap('name'),
        description: 'Secrets with the credentials of registries. They replace those of the chart.',
        absent: 'Those of the chart.',
      }),
    securityContext: uncheckedObject<V1PodSecurityContext>().exactOptional().meta({
      description:
        'The security context of the pods, merged by field with that of the chart. The security context of the container bitcoind is fixed.',
      absent: 'As the chart sets it: not root, the default seccomp profile of the runtime.',
    }),
    terminationGracePeriodSeconds: z.int().min(0).max(86_400).exactOptional().meta({
      format: 'int64',
      description:
        'How many seconds bitcoind may take to stop. If it is killed before it has written its caches, the newest blocks are lost.',
      absent: '60; 600 on main.',
    }),
    initContainers: containers('Containers that run before bitcoind. A PodSpec describes their fields.'),
    containers: containers('Containers that run beside bitcoind. A PodSpec describes their fields.'),
    volumes: z
      .array(uncheckedNamedObject<V1Volume>())
      .max(16)
      .exactOptional()
      .meta({
        ...listMap('name'),
        description: 'Volumes for these containers.',
        absent: 'None.',
        'x-kubernetes-validations': [volumeRule],
      }),
  })
  .meta({ description: 'Fields of the PodSpec.', absent: 'The pods are as the chart sets them.' });

export const podTemplateSchema = z
  .object({ metadata: podMetadataSchema.exactOptional(), spec: podSpecSchema.exactOptional() })
  .meta({
    description:
      'What is added to the pods. In a group, maps are merged with those of the network, and lists and single values replace those of the network. What the API server refuses is reported by the condition SpecAccepted. A change restarts the nodes.',
    absent: 'The pods are as the chart sets them.',
  });

export type NetworkPodTemplate = z.infer<typeof podTemplateSchema>;
