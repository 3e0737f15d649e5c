{{/*
Gives each value that is missing its default. Helm drops what is null, and `helm upgrade --reuse-values` brings the values of the chart
that was installed before, which lacks every newer value. Each template includes this first. A map whose keys are not the chart's, such as
nodeSelector, is one value. resources: null means none.
*/}}
{{- define "bitcoin-controller.fillDefaults" -}}
{{- $defaults := include "bitcoin-controller.defaults" . | fromYaml -}}
{{- range $key, $default := omit $defaults "resources" -}}
{{- if kindIs "invalid" (index $.Values $key) }}{{ $_ := set $.Values $key $default }}{{ end -}}
{{- end -}}
{{- range $section := list "image" "bitcoind" "crds" "rbac" "admissionPolicy" "serviceAccount" "controller" "metrics" -}}
{{- range $key, $default := index $defaults $section -}}
{{- if kindIs "invalid" (index $.Values $section $key) }}{{ $_ := set (index $.Values $section) $key $default }}{{ end -}}
{{- end -}}
{{- end -}}
{{- range $key, $default := $defaults.bitcoind.image -}}
{{- if kindIs "invalid" (index $.Values.bitcoind.image $key) }}{{ $_ := set $.Values.bitcoind.image $key $default }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "bitcoin-controller.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 55 characters: with "-metrics" it is still the name of a Service. */}}
{{- define "bitcoin-controller.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" -}}
{{- else if contains (include "bitcoin-controller.name" .) .Release.Name -}}
{{- .Release.Name | trunc 55 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "bitcoin-controller.name" .) | trunc 55 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bitcoin-controller.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bitcoin-controller.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "bitcoin-controller.labels" -}}
{{ include "bitcoin-controller.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "bitcoin-controller.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "bitcoin-controller.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* An image reference: of (list image-values default-tag). */}}
{{- define "bitcoin-controller.image" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default (index . 1) $image.tag }}
{{- end -}}
{{- end -}}

{{/* The pods of all networks, for the controller's option --bitcoind-pod-template: JSON. */}}
{{- define "bitcoin-controller.bitcoindPodTemplate" -}}
{{- $bitcoind := .Values.bitcoind -}}
{{- dict
  "labels" $bitcoind.podLabels
  "annotations" $bitcoind.podAnnotations
  "imagePullSecrets" .Values.imagePullSecrets
  "nodeSelector" $bitcoind.nodeSelector
  "tolerations" $bitcoind.tolerations
  "securityContext" $bitcoind.securityContext
  "resources" $bitcoind.resources
  "dataSizeLimit" $bitcoind.dataSizeLimit | toJson -}}
{{- end -}}

{{/* The API group that events are written in. */}}
{{- define "bitcoin-controller.eventsGroup" -}}
{{- if eq .Values.controller.eventsApi "events" -}}events.k8s.io{{- end -}}
{{- end -}}

{{/* What the controller may do in a namespace that it watches. */}}
{{- define "bitcoin-controller.rules" -}}
# StatefulSets: created, corrected, recreated where a field that cannot be changed differs, and deleted with the group of nodes.
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [create, delete, get, list, patch, watch]
# Networks are read; only their status is written. A network that lacks an object of its own is read again before that is recreated.
- apiGroups: [bitcoincontroller.christianb93.github.com]
  resources: [bitcoinnetworks]
  verbs: [get, list, watch]
# An owner reference that blocks deletion needs it where the admission plugin OwnerReferencesPermissionEnforcement is on.
- apiGroups: [bitcoincontroller.christianb93.github.com]
  resources: [bitcoinnetworks/finalizers]
  verbs: [update]
- apiGroups: [bitcoincontroller.christianb93.github.com]
  resources: [bitcoinnetworks/status]
  verbs: [patch]
# A repeated event is patched with its count.
- apiGroups: [{{ include "bitcoin-controller.eventsGroup" . | quote }}]
  resources: [events]
  verbs: [create, patch]
# What Kubernetes says about pods that it does not create or start is in the Events about them and their claims alone.
- apiGroups: [""]
  resources: [events]
  verbs: [list]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# As are Services.
- apiGroups: [""]
  resources: [services]
  verbs: [create, delete, get, list, patch, watch]
{{- if .Values.rbac.configMaps }}
# The configuration of nodes whose network asks for something of its own.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, delete, get, list, patch, watch]
{{- end }}
{{- if .Values.rbac.networkPolicies }}
# For networks with spec.networkPolicy.
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [create, delete, get, list, patch, watch]
{{- end }}
{{- if .Values.rbac.podDisruptionBudgets }}
# For networks with spec.podDisruptionBudget.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [create, delete, get, list, patch, watch]
{{- end }}
{{- if .Values.rbac.deleteNetworks }}
# For networks with spec.ttlSecondsAfterCreation.
- apiGroups: [bitcoincontroller.christianb93.github.com]
  resources: [bitcoinnetworks]
  verbs: [delete]
{{- end }}
{{- if .Values.rbac.persistentVolumeClaims }}
# Volumes grow with spec.storage.size: the claims are changed, then the StatefulSet is recreated. When spec.storage.retention
# keeps volumes that it did not keep before, the StatefulSet is taken out of the owners of the claims. StatefulSets make and delete claims.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, patch]
{{- end }}
{{- if .Values.rbac.bitcoinExperiments }}
# Experiments: read; held by a finalizer until their network is healed (patch), and deleted when their time after the end is over.
- apiGroups: [bitcoincontroller.christianb93.github.com]
  resources: [bitcoinexperiments]
  verbs: [delete, list, patch, watch]
- apiGroups: [bitcoincontroller.christianb93.github.com]
  resources: [bitcoinexperiments/status]
  verbs: [patch]
{{- if .Values.rbac.podEvictions }}
# For the step restart.
- apiGroups: [""]
  resources: [pods/eviction]
  verbs: [create]
{{- end }}
{{- end }}
{{- with .Values.rbac.secretNames }}
# Credentials: by name only, and never listed.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: {{ toJson . }}
  verbs: [get]
{{- end }}
{{- end -}}
