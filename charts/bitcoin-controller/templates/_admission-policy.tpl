{{/* Parts of admission-policy.yaml, in CEL. */}}

{{/* Fails where the cluster has no such policies: of (list root value-name). */}}
{{- define "bitcoin-controller.needsPolicies" -}}
{{- $version := (index . 0).Capabilities.KubeVersion.Version -}}
{{- if semverCompare "<1.30.0-0" $version -}}
{{- fail (printf "%s needs Kubernetes 1.30 or later, which has ValidatingAdmissionPolicy; this is %s" (index . 1) $version) -}}
{{- end -}}
{{- end -}}

{{/* Only the requests of the controller's account are judged: of its user name. */}}
{{- define "bitcoin-controller.policyCondition" -}}
- name: by-the-controller
  expression: request.userInfo.username == {{ toJson . }}
{{- end -}}

{{/* Whether a network controls an object that is named after it: of (list "object"|"oldObject" suffix). */}}
{{- define "bitcoin-controller.isOwned" -}}
{{- $object := index . 0 -}}
>-
  {{ $object }}.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && o.kind == 'BitcoinNetwork' &&
  o.apiVersion.startsWith('bitcoincontroller.christianb93.github.com/') &&
  {{ $object }}.metadata.name == o.name + '{{ index . 1 }}')
{{- end -}}

{{/* Whether an object has the labels that the controller gives it: of (list "object"|"oldObject" suffix). */}}
{{- define "bitcoin-controller.isLabelled" -}}
{{- $labels := printf "%s.metadata.?labels.orValue({})" (index . 0) -}}
>-
  {{ $labels }}[?'app.kubernetes.io/managed-by'] == optional.of('bitcoin-controller') &&
  {{ index . 0 }}.metadata.name == {{ $labels }}[?'app'].orValue('') + '{{ index . 1 }}'
{{- end -}}

{{/* Of the suffix of the names: a group of nodes with a StatefulSet of its own would need another. */}}
{{- define "bitcoin-controller.policyVariables" -}}
- name: networkName
  expression: "object.metadata.name.endsWith('{{ . }}') ? object.metadata.name.substring(0, object.metadata.name.size() - {{ len . }}) : ''"
- name: isOwned
  expression: {{ include "bitcoin-controller.isOwned" (list "object" .) | nindent 4 | trim }}
- name: isLabelled
  expression: {{ include "bitcoin-controller.isLabelled" (list "object" .) | nindent 4 | trim }}
- name: wasOwned
  expression: {{ include "bitcoin-controller.isOwned" (list "oldObject" .) | nindent 4 | trim }}
- name: wasLabelled
  expression: {{ include "bitcoin-controller.isLabelled" (list "oldObject" .) | nindent 4 | trim }}
# A network that is created again takes back what one of its name left behind: objects without an owner, with the controller's digest.
- name: wasAbandoned
  expression: >-
    variables.wasLabelled && !oldObject.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false)) &&
    'bitcoincontroller.christianb93.github.com/applied' in oldObject.metadata.?annotations.orValue({})
# The controller claims the fields that it created by a patch of managedFields alone, whatever others changed in the object meanwhile.
- name: isClaim
  expression: >-
    request.operation == 'UPDATE' && object.spec == oldObject.spec &&
    object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({}) &&
    object.metadata.?annotations.orValue({}) == oldObject.metadata.?annotations.orValue({}) &&
    object.metadata.?finalizers.orValue([]) == oldObject.metadata.?finalizers.orValue([]) &&
    object.metadata.?ownerReferences.orValue([]) == oldObject.metadata.?ownerReferences.orValue([])
{{- end -}}

{{/* The names of the Secrets in each container's environment: of "object"|"oldObject". */}}
{{- define "bitcoin-controller.secretsOf" -}}
>-
  {{ . }}.spec.template.spec.containers.map(c,
  c.?envFrom.orValue([]).filter(e, has(e.secretRef)).map(e, e.secretRef.?name.orValue('')) +
  c.?env.orValue([]).filter(e, has(e.valueFrom) && has(e.valueFrom.secretKeyRef)).map(e, e.valueFrom.secretKeyRef.?name.orValue('')))
{{- end -}}

{{/* Of (list kind suffix). */}}
{{- define "bitcoin-controller.policyOwnership" -}}
{{- $kind := index . 0 -}}
- message: the controller changes and deletes only {{ $kind }} that a BitcoinNetwork controls or has left behind
  reason: Forbidden
  expression: request.operation == 'CREATE' || variables.wasOwned || variables.wasAbandoned
- message: the controller writes only {{ $kind }} that a BitcoinNetwork controls, named NETWORK{{ index . 1 }} and labelled as its own
  reason: Forbidden
  expression: request.operation == 'DELETE' || variables.isClaim || (variables.isOwned && variables.isLabelled)
- message: the controller deletes {{ $kind }} only to replace them, and orphans their dependents
  reason: Forbidden
  expression: request.operation != 'DELETE' || dyn(request.options).?propagationPolicy.orValue('') == 'Orphan'
- message: the controller writes no subresources of {{ $kind }}
  reason: Forbidden
  expression: request.?subResource.orValue('') == ''
{{- end -}}
