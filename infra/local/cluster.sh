#!/usr/bin/env bash
# The local cluster: up, down, status, logs, credentials. Each step may run again: what stands is left as it is.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=common.sh
. "$here/common.sh"

HOSTS=(oblivion.local api.oblivion.local sandbox.oblivion.local)
[ "$PROFILE" = core ] || HOSTS+=(grafana.oblivion.local langfuse.oblivion.local)

# step TITLE NAME [NAMESPACE]: runs it, its words go to a log; after a failure says what, why and what to do.
step() {
  local title="$1" name="$2" namespace="${3:-}" began log="$LOGS/$2.log"
  began=$SECONDS
  if bash "$here/steps.sh" "$name" >"$log" 2>&1; then
    printf '✓ %s %s s\n' "$title" "$((SECONDS - began))"
    return
  fi
  printf '✗ %s\n\n' "$title"
  tail -n 15 "$log"
  [ -z "$namespace" ] || what_hangs "$namespace"
  printf '\nEverything it said: %s\nWhen that is mended, run make cluster-up again: it goes on here.\n' "$log"
  exit 1
}

# The pods of a namespace that are not ready, and what the cluster says of them.
what_hangs() {
  printf '\nPods of %s:\n' "$1"
  k -n "$1" get pods 2>&1 || true
  printf '\nWhat happened there last:\n'
  k -n "$1" get events --field-selector type=Warning --sort-by=.lastTimestamp 2>&1 | tail -n 8 || true
}

up() {
  mkdir -p "$LOGS"
  local began=$SECONDS
  step "Tools, Docker, ports" preflight
  step "Cluster (Kind)" cluster
  step "Namespaces" namespaces
  step "Secrets" secrets
  step "External Secrets" external_secrets external-secrets
  step "Secret store" store
  step "Kong" kong kong
  step "PostgreSQL" postgresql "$NS"
  step "Redis" redis "$NS"
  step "Qdrant" qdrant "$NS"
  if [ "$PROFILE" = full ]; then
    step "Prometheus and Grafana" monitoring monitoring
    step "Langfuse" langfuse langfuse
    step "OpenTelemetry collector" collector monitoring
  fi
  step "Images (minutes, the first time)" images
  step "Sandbox (a ClickUp and a Slack)" sandbox "$NS"
  step "Nexus" nexus "$NS"
  bash "$here/steps.sh" seeded_before 2>/dev/null || step "Connections, agents and a link" seed "$NS"
  step "Oblivion" oblivion "$NS"
  step "Credentials still work" seed "$NS"
  step "Everything answers" smoke "$NS"
  printf '\nOblivion is up in the cluster (%s s)\n\n' "$((SECONDS - began))"
  welcome
}

welcome() {
  printf '  Try it     http://sandbox.oblivion.local   ClickUp on the left, Slack on the right\n'
  printf '  Dashboard  http://oblivion.local           sign in as Admin, Operator or Viewer\n'
  printf '  API        http://api.oblivion.local/docs\n'
  if [ "$PROFILE" = full ]; then
    printf '  Metrics    http://grafana.oblivion.local   admin; make cluster-credentials has the password\n'
    printf '  Traces     http://langfuse.oblivion.local  admin@oblivion.local; likewise\n'
  fi
  printf '\nOpen the first address, press New task and write: @AI_Squad fix_bug The export loses a row\n'
  printf 'Your own agent: make cluster-credentials prints what it needs.\n'
  if ! bash "$here/hosts.sh" check "${HOSTS[@]}"; then
    printf '\nThese names have to lead to this laptop: run make hosts, or add to /etc/hosts yourself:\n\n'
    bash "$here/hosts.sh" print "${HOSTS[@]}"
  fi
}

down() {
  cluster_exists || { echo "There is no cluster $CLUSTER."; return; }
  kind delete cluster --name "$CLUSTER"
}

need_cluster() {
  cluster_exists || fail "There is no cluster $CLUSTER." "It was never made, or has been deleted." "make cluster-up"
}

status() {
  need_cluster
  helm --kube-context "$CONTEXT" list --all-namespaces
  echo
  k get pods --all-namespaces --field-selector metadata.namespace!=kube-system
  echo
  k -n "$NS" get ingress
}

logs() {
  need_cluster
  set -- --all-containers --prefix --tail=50 --max-log-requests=20
  [ ! -t 1 ] || set -- "$@" --follow # a program that reads this wants an end
  k -n "$NS" logs "$@" --selector "app.kubernetes.io/name in (oblivion, sandbox)"
}

credentials() {
  need_cluster
  # shellcheck source=secrets.sh
  . "$here/secrets.sh"
  printf 'export OBLIVION_URI=http://api.oblivion.local AGENT_ID=%s AGENT_SECRET=%s\n' \
    "$(seeded agent_client_id)" "$(seeded agent_client_secret)"
  printf '# Grafana: admin, %s\n' "$(read_secret monitoring oblivion-grafana admin-password)"
  printf '# Langfuse: admin@oblivion.local, %s\n' "$(read_secret langfuse oblivion-langfuse admin-password)"
}

case "${1:-}" in
  up | down | status | logs | credentials) "$1" ;;
  hosts) bash "$here/hosts.sh" write "${HOSTS[@]}" ;;
  *) fail "cluster.sh does not know '${1:-}'." "It knows up, down, status, logs, credentials and hosts." "make help" ;;
esac
