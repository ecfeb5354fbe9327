{{/* Names. */}}
{{- define "oblivion.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "oblivion.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* (dict "root" $ "component" "gateway"): what selects the pods of a component, and never changes. */}}
{{- define "oblivion.selector" -}}
app.kubernetes.io/name: oblivion
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "oblivion.labels" -}}
{{ include "oblivion.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: oblivion
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ include "oblivion.chart" .root }}
{{- end -}}

{{/* (dict "root" $ "name" "nexus"): one of our own images. */}}
{{- define "oblivion.image" -}}
{{- $registry := required "images.registry is not set: it says where the images are, such as ghcr.io/your-company. `make images` builds them." .root.Values.images.registry -}}
{{- printf "%s/%s:%s" (trimSuffix "/" $registry) .name (.root.Values.images.tag | default .root.Chart.AppVersion) | quote -}}
{{- end -}}

{{- define "oblivion.nexusSecret" -}}
{{- .Values.nexus.existingSecret | default (printf "%s-nexus" (include "oblivion.fullname" .)) -}}
{{- end -}}

{{- define "oblivion.observerSecret" -}}
{{- .Values.observer.existingSecret | default (printf "%s-observer" (include "oblivion.fullname" .)) -}}
{{- end -}}

{{- define "oblivion.scheme" -}}
{{- if .Values.ingress.tls.enabled }}https{{ else }}http{{ end -}}
{{- end -}}

{{- define "oblivion.publicUrl" -}}
{{- .Values.nexus.publicUrl | default (printf "%s://%s" (include "oblivion.scheme" .) .Values.ingress.apiHost) -}}
{{- end -}}

{{- define "oblivion.observerUrl" -}}
{{- printf "%s://%s" (include "oblivion.scheme" .) .Values.ingress.host -}}
{{- end -}}

{{/* Inside the cluster. */}}
{{- define "oblivion.gatewayUrl" -}}
{{- printf "http://%s-gateway:8000" (include "oblivion.fullname" .) -}}
{{- end -}}

{{/* Pod Security `restricted`. */}}
{{- define "oblivion.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "oblivion.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/*
What every pod of ours has, (dict "root" $ "component" "gateway"). No token of the API server: nobody here talks to it.
No service links: a Service named like a prefix of ours would set our settings, OBLIVION_PORT among them.
*/}}
{{- define "oblivion.podBase" -}}
serviceAccountName: {{ include "oblivion.fullname" .root }}-{{ .component }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "oblivion.podSecurity" . | nindent 2 }}
{{- end -}}

{{/* (dict "root" $ "component" "gateway" "values" .Values.gateway): where pods go. */}}
{{- define "oblivion.placement" -}}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- include "oblivion.selector" $ | nindent 8 }}
  {{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Secrets of Nexus as environment variables. */}}
{{- define "oblivion.nexusSecretEnv" -}}
{{- $secret := include "oblivion.nexusSecret" . -}}
{{- range list "OBLIVION_DATABASE_URL" "OBLIVION_REDIS_URL" "OBLIVION_SECRET_KEY" }}
- name: {{ . }}
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: {{ . }}}
{{- end }}
{{- $traces := ternary (list "OTEL_EXPORTER_OTLP_HEADERS") (list) (ne .Values.traces.endpoint "") -}}
{{- if .Values.traces.langfuseUrl }}{{ $traces = list "LANGFUSE_PUBLIC_KEY" "LANGFUSE_SECRET_KEY" }}{{ end -}}
{{- range concat (list "OBLIVION_QDRANT_API_KEY" "OBLIVION_EMBEDDINGS_API_KEY") $traces }}
- name: {{ . }}
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: {{ . }}, optional: true}
{{- end }}
{{- with .Values.nexus.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
(dict "port" "http"): three probes. Alive asks no dependency, since no restart brings one back; ready does. Until the
schema is there nobody listens, so the first probe is patient.
*/}}
{{- define "oblivion.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: {{ .port }}}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 300
livenessProbe:
  httpGet: {path: /livez, port: {{ .port }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: {{ .port }}}
  periodSeconds: 5
  timeoutSeconds: 4
  failureThreshold: 2
{{- end -}}

{{/* Whether there will be several pods: (dict "values" .Values.worker). */}}
{{- define "oblivion.several" -}}
{{- $keda := dig "keda" "enabled" false .values -}}
{{- $count := .values.replicas -}}
{{- if $keda }}{{ $count = .values.keda.minReplicas }}{{ else if dig "autoscaling" "enabled" false .values }}{{ $count = .values.autoscaling.minReplicas }}{{ end -}}
{{- if gt (int $count) 1 }}yes{{ end -}}
{{- end -}}

{{/* What Nexus's gateway and worker are told that is no secret. */}}
{{- define "oblivion.nexusConfig" -}}
OBLIVION_ENVIRONMENT: {{ .Values.environment | quote }}
OBLIVION_HOST: "0.0.0.0"
OBLIVION_PORT: "8000"
OBLIVION_HEALTH_PORT: "8080"
OBLIVION_LOG_FORMAT: {{ .Values.logFormat | quote }}
OBLIVION_LOG_LEVEL: {{ .Values.logLevel | quote }}
OBLIVION_PUBLIC_URL: {{ include "oblivion.publicUrl" . | quote }}
{{- with .Values.nexus.issuer }}
OBLIVION_ISSUER: {{ . | quote }}
{{- end }}
OBLIVION_OBSERVER_URL: {{ include "oblivion.observerUrl" . | quote }}
{{- with .Values.nexus.corsOrigins }}
OBLIVION_CORS_ORIGINS: {{ toJson . | quote }}
{{- end }}
{{- with .Values.nexus.trustedProxies }}
OBLIVION_TRUSTED_PROXIES: {{ join "," . | quote }}
{{- end }}
OBLIVION_REQUESTS_PER_MINUTE: {{ .Values.nexus.requestsPerMinute | quote }}
OBLIVION_QDRANT_URL: {{ required "nexus.qdrantUrl is not set: it says where Qdrant answers, such as http://qdrant:6333. Several gateways cannot share an embedded index." .Values.nexus.qdrantUrl | quote }}
{{- with .Values.nexus.embeddingsUrl }}
OBLIVION_EMBEDDINGS_URL: {{ . | quote }}
{{- end }}
{{- with .Values.traces }}
{{- if .endpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ .endpoint | quote }}
{{- end }}
{{- if .langfuseUrl }}
LANGFUSE_BASE_URL: {{ .langfuseUrl | quote }}
{{- end }}
{{- if or .endpoint .langfuseUrl }}
OTEL_TRACES_SAMPLER: {{ .sampler | quote }}
{{- with .samplerArgument }}
OTEL_TRACES_SAMPLER_ARG: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* To the collector, if it is in the cluster: the port of its address. Outside, HTTPS gets there as to any vendor. */}}
{{- define "oblivion.toCollector" -}}
{{- with .Values.traces.endpoint }}
{{- $url := urlParse . }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
- to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: {{ $.Values.networkPolicy.monitoringNamespace }}}
  ports: [{protocol: TCP, port: {{ $port }}}]
{{- end }}
{{- end -}}

{{/* Rules of a NetworkPolicy. */}}
{{- define "oblivion.internet" -}}
to:
  - ipBlock: {cidr: 0.0.0.0/0, except: {{ toJson .exceptCidrs }}}
  - ipBlock: {cidr: "::/0", except: {{ toJson .exceptCidrs6 }}}
ports: [{protocol: TCP, port: 443}]
{{- end -}}

{{- define "oblivion.toGateway" -}}
- to:
    - podSelector:
        matchLabels:
          {{- include "oblivion.selector" (dict "root" . "component" "gateway") | nindent 10 }}
  ports: [{protocol: TCP, port: http}]
{{- end -}}
