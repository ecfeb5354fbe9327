#!/usr/bin/env bash
# Swaps the cluster's gateway for the one on this laptop until Ctrl-C. Everything else stays in the cluster.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=common.sh
. "$here/common.sh"

command -v telepresence >/dev/null || fail "telepresence is not installed." "It leads the cluster's traffic to this laptop." \
  "macOS: brew install telepresenceio/telepresence/telepresence-oss; Linux: https://telepresence.io/docs/install/client (needs $MIN_TELEPRESENCE)"
cluster_exists || fail "There is no cluster $CLUSTER." "The intercept needs one." "make cluster-up"
[ -x "$ROOT/.venv/bin/oblivion" ] || fail "Nexus is not installed here." "It runs from .venv." "make setup"

environment="$(mktemp -d)/intercept.env"
leave() {
  telepresence leave oblivion-gateway >/dev/null 2>&1 || true
  telepresence quit >/dev/null 2>&1 || true
  rm -rf "$(dirname "$environment")"
}
trap leave EXIT

if ! has_release traffic-manager ambassador; then
  telepresence helm install --context "$CONTEXT" --namespace ambassador --values "$LOCAL/values/traffic-manager.yaml"
fi
telepresence connect --context "$CONTEXT" --manager-namespace ambassador --namespace "$NS"
(umask 077 && telepresence intercept oblivion-gateway --port 8000:http --env-file "$environment" --mount=false)

# Only Nexus's own settings: the pod's PATH and HOME are not this laptop's.
while IFS='=' read -r name value; do
  case "$name" in OBLIVION_* | OTEL_*) export "$name=$value" ;; esac
done <"$environment"
rm -f "$environment"
export OBLIVION_HOST=127.0.0.1 OBLIVION_PORT=8000 OBLIVION_LOG_FORMAT=console
echo "http://api.oblivion.local is this laptop's Nexus now. Ctrl-C gives it back to the cluster."
"$ROOT/.venv/bin/oblivion" serve gateway
