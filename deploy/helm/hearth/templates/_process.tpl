{{/* Labels by which a process is selected. */}}
{{- define "hearth.selector" -}}
app.kubernetes.io/name: hearth
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "hearth.labels" -}}
{{ include "hearth.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "hearth.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/*
One pod of a process, as closed as it can be. Of the Secret it sees only the files it is given.
root, name, args (or command), secrets: files of the Secret, env: variables, port and probes: optional, resources.
*/}}
{{- define "hearth.pod" -}}
metadata:
  labels:
    {{- include "hearth.labels" . | nindent 4 }}
  {{- if .metrics }}
  annotations:
    prometheus.io/scrape: "true"
    prometheus.io/port: {{ .port | quote }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  restartPolicy: {{ .restart | default "Always" }}
  terminationGracePeriodSeconds: {{ .grace | default 30 }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: {{ .name }}
      image: {{ include "hearth.image" .root | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      {{- with .command }}
      command: {{ toJson . }}
      {{- end }}
      {{- with .args }}
      args: {{ toJson . }}
      {{- end }}
      env:
        {{- range $name, $value := merge (dict) (.env | default dict) .root.Values.settings }}
        - {name: {{ $name }}, value: {{ $value | quote }}}
        {{- end }}
      {{- with .port }}
      ports:
        - {name: http, containerPort: {{ . }}}
      {{- end }}
      {{- with .probes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      resources: {{ toJson .resources }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        - {name: secrets, mountPath: /run/secrets, readOnly: true}
        {{- if .root.Values.config }}
        - {name: config, mountPath: /config, readOnly: true}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: 256Mi}
    - name: secrets
      secret:
        secretName: {{ .root.Values.secret }}
        defaultMode: 0440
        items:
          {{- range .secrets }}
          - {key: {{ . }}, path: {{ . }}}
          {{- end }}
    {{- if .root.Values.config }}
    - name: config
      configMap: {name: {{ .root.Values.config }}}
    {{- end }}
{{- end }}

{{/* A Deployment of such pods: replicas and strategy beside what the pod takes. */}}
{{- define "hearth.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .root.Release.Name }}-{{ .name }}
  labels:
    {{- include "hearth.labels" . | nindent 4 }}
spec:
  replicas: {{ .replicas }}
  {{- if .alone }}
  # Two of one name would take each other's session.
  strategy: {type: Recreate}
  {{- end }}
  selector:
    matchLabels:
      {{- include "hearth.selector" . | nindent 6 }}
  template:
    {{- include "hearth.pod" . | nindent 4 }}
{{- end }}
