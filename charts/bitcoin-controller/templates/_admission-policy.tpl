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

{{/*
Whether a network controls an object that is named after it: of (list "object"|"oldObject" pattern), where the pattern is what names have
after "NETWORK-". The owner's name is no part of a regular expression, so that nobody can write one there.
*/}}
{{- define "bitcoin-controller.isOwned" -}}
{{- $object := index . 0 -}}
>-
  {{ $object }}.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && o.kind == 'BitcoinNetwork' &&
  o.apiVersion.startsWith('bitcoincontroller.christianb93.github.com/') && {{ $object }}.metadata.name.startsWith(o.name + '-') &&
  {{- if eq $object "object" }}
  o.name == variables.networkName &&
  {{- end }}
  {{ $object }}.metadata.name.substring(o.name.size() + 1).matches('{{ index . 1 }}'))
{{- end -}}

{{/* Whether an object has the labels that the controller gives it: of (list "object"|"oldObject" pattern). */}}
{{- define "bitcoin-controller.isLabelled" -}}
{{- $labels := printf "%s.metadata.?labels.orValue({})" (index . 0) -}}
{{- $name := printf "%s.metadata.name" (index . 0) -}}
>-
  {{ $labels }}[?'app.kubernetes.io/managed-by'] == optional.of('bitcoin-controller') &&
  {{ $name }}.startsWith({{ $labels }}[?'app'].orValue('') + '-') &&
  {{ $name }}.substring({{ $labels }}[?'app'].orValue('').size() + 1).matches('{{ index . 1 }}')
{{- end -}}

{{/* Of (list pattern content), where the content is the field that the controller writes: a CEL field selection such as ".spec". */}}
{{- define "bitcoin-controller.policyVariables" -}}
{{- $pattern := index . 0 -}}
{{- $content := index . 1 -}}
- name: networkName
  expression: object.metadata.?labels.orValue({})[?'app'].orValue('')
- name: isOwned
  expression: {{ include "bitcoin-controller.isOwned" (list "object" $pattern) | nindent 4 | trim }}
- name: isLabelled
  expression: {{ include "bitcoin-controller.isLabelled" (list "object" $pattern) | nindent 4 | trim }}
- name: wasOwned
  expression: {{ include "bitcoin-controller.isOwned" (list "oldObject" $pattern) | nindent 4 | trim }}
- name: wasLabelled
  expression: {{ include "bitcoin-controller.isLabelled" (list "oldObject" $pattern) | nindent 4 | trim }}
# A network that is created again takes back what one of its name left behind: objects without an owner, with the controller's digest.
- name: wasAbandoned
  expression: >-
    variables.wasLabelled && !oldObject.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false)) &&
    'bitcoincontroller.christianb93.github.com/applied' in oldObject.metadata.?annotations.orValue({})
# A write of something else, or a deletion, leaves in the object what is there, whoever wrote it.
- name: isContentKept
  expression: request.operation == 'DELETE' || (request.operation == 'UPDATE' && object{{ $content }} == oldObject{{ $content }})
# The controller claims the fields that it created by a patch of managedFields alone, whatever others changed in the object meanwhile.
- name: isClaim
  expression: >-
    request.operation == 'UPDATE' && variables.isContentKept &&
    object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({}) &&
    object.metadata.?annotations.orValue({}) == oldObject.metadata.?annotations.orValue({}) &&
    object.metadata.?finalizers.orValue([]) == oldObject.metadata.?finalizers.orValue([]) &&
    object.metadata.?ownerReferences.orValue([]) == oldObject.metadata.?ownerReferences.orValue([])
{{- end -}}

{{/* The names of the Secrets in bitcoind's environment: of "object"|"oldObject". Containers of the network's own are not limited so. */}}
{{- define "bitcoin-controller.secretsOf" -}}
>-
  {{ . }}.spec.template.spec.containers.filter(c, c.name == 'bitcoind').map(c,
  c.?envFrom.orValue([]).filter(e, has(e.secretRef)).map(e, e.secretRef.?name.orValue('')) +
  c.?env.orValue([]).filter(e, has(e.valueFrom) && has(e.valueFrom.secretKeyRef)).map(e, e.valueFrom.secretKeyRef.?name.orValue('')))
{{- end -}}

{{/* Whether the image of the container c is one of (list IMAGE…); one that ends in an asterisk is the beginning of an image. */}}
{{- define "bitcoin-controller.isAllowedImage" -}}
{{- $images := list -}}
{{- $beginnings := list -}}
{{- range . -}}
{{- if hasSuffix "*" . }}{{ $beginnings = append $beginnings (trimSuffix "*" .) }}{{ else }}{{ $images = append $images . }}{{ end -}}
{{- end -}}
c.image in {{ toJson $images }}
{{- with $beginnings }} || {{ toJson . }}.exists(b, c.image.startsWith(b)){{ end -}}
{{- end -}}

{{/* bitcoind's options that run a command, as a pattern. */}}
{{- define "bitcoin-controller.commandOptions" -}}
(alertnotify|blocknotify|shutdownnotify|startupnotify|walletnotify|signer)
{{- end -}}

{{/* The labels by which everything of a network is selected, as a CEL map. */}}
{{- define "bitcoin-controller.networkLabels" -}}
{'app': variables.networkName, 'app.kubernetes.io/managed-by': 'bitcoin-controller'}
{{- end -}}

{{/* Of (list kind names suffix): the suffix of the object that a network has always, which is never deleted with its dependents, or none. */}}
{{- define "bitcoin-controller.policyOwnership" -}}
{{- $kind := index . 0 -}}
- message: the controller changes and deletes only {{ $kind }} that a BitcoinNetwork controls or has left behind
  reason: Forbidden
  expression: request.operation == 'CREATE' || variables.wasOwned || variables.wasAbandoned
- message: the controller writes only {{ $kind }} that a BitcoinNetwork controls, named {{ index . 1 }} and labelled as its own
  reason: Forbidden
  expression: request.operation == 'DELETE' || variables.isClaim || (variables.isOwned && variables.isLabelled)
- message: the controller deletes {{ $kind }} to replace them, and then orphans their dependents, or because the network needs them no more
  reason: Forbidden
  expression: >-
    request.operation != 'DELETE' || dyn(request.options).?propagationPolicy.orValue('') == 'Orphan' ||
    (dyn(request.options).?propagationPolicy.orValue('') == 'Background' && variables.wasOwned
    {{- with index . 2 }} &&
    !oldObject.metadata.ownerReferences.exists(o, o.?controller.orValue(false) && oldObject.metadata.name == o.name + '{{ . }}')
    {{- end }})
- message: the controller writes no subresources of {{ $kind }}
  reason: Forbidden
  expression: request.?subResource.orValue('') == ''
{{- end -}}
