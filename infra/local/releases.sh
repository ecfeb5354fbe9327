# shellcheck shell=bash
# What Oblivion stands on, in the order in which each needs the one before.

step_external_secrets() { release external-secrets external-secrets EXTERNAL_SECRETS; }
step_kong() { release kong kong KONG; }

# Either kind answers at the same address with the same Secret. Releases of other names: none can become the other by an upgrade.
step_postgresql() {
  k -n "$NS" create configmap oblivion-postgresql-init --from-file=init.sql="$LOCAL/init.sql" --dry-run=client -o yaml | apply -f -
  case "$STORES" in
    bitnami) release postgresql "$NS" POSTGRESQL ;;
    open) release postgres "$NS" POSTGRES_GROUNDHOG2K postgres-groundhog2k ;;
  esac
}

step_redis() {
  case "$STORES" in
    bitnami) release redis "$NS" REDIS ;;
    open) release valkey "$NS" VALKEY ;;
  esac
}

step_qdrant() { release qdrant "$NS" QDRANT; }
step_monitoring() { release monitoring monitoring KUBE_PROMETHEUS_STACK kube-prometheus-stack; }

step_langfuse() {
  apply -f "$LOCAL/manifests/clickhouse.yaml"
  k -n langfuse rollout status statefulset/clickhouse --timeout="$TIMEOUT"
  release langfuse langfuse LANGFUSE
}

step_collector() { release otel-collector monitoring OPENTELEMETRY_COLLECTOR opentelemetry-collector; }
