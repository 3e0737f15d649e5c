{{/* Generated from values.yaml by `npm run generate`; do not edit. */}}
{{- define "bitcoin-controller.defaults" -}}
image:
  repository: bitcoin-controller
  tag: ""
  digest: ""
  pullPolicy: IfNotPresent
bitcoind:
  image:
    repository: bitcoin-controller-bitcoind
    tag: ""
    digest: ""
    pullPolicy: IfNotPresent
  resources:
    requests:
      cpu: 10m
      memory: 64Mi
    limits:
      memory: 1Gi
  dataSizeLimit: 5Gi
  podLabels: {}
  podAnnotations: {}
  nodeSelector: {}
  tolerations: []
  securityContext:
    fsGroup: 10001
imagePullSecrets: []
replicas: 2
crds:
  enabled: true
  keep: true
watchNamespaces: []
rbac:
  create: true
  secretNames:
    - bitcoin-default-secret
  configMaps: true
  networkPolicies: true
  podDisruptionBudgets: true
  deleteNetworks: false
  persistentVolumeClaims: false
  bitcoinExperiments: true
  podEvictions: false
  aggregate: true
admissionPolicy:
  enabled: false
  extraImages: []
  podTemplates: false
  networkNamePattern: ""
serviceAccount:
  create: true
  name: ""
  annotations: {}
controller:
  logLevel: info
  logFormat: json
  concurrency: 100
  recheckSeconds: 120
  eventsApi: core
  kubeApiQps: 200
  kubeApiBurst: 400
  extraArgs: []
metrics:
  service: true
podDisruptionBudget: true
resources:
  requests:
    cpu: 50m
    memory: 96Mi
  limits:
    memory: 384Mi
podAnnotations: {}
podLabels: {}
nodeSelector: {}
tolerations: []
affinity: {}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
priorityClassName: ""
nameOverride: ""
fullnameOverride: ""
{{- end -}}
