# shellcheck shell=bash disable=SC2034
# Names and small tools that all scripts here share; sourced, never run. Must work with the bash 3.2 of macOS.

LOCAL="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$LOCAL/../.." && pwd)"
CHART="$ROOT/infra/helm/oblivion"
LOGS="${OBLIVION_CLUSTER_LOGS:-$ROOT/.oblivion/cluster}"
CLUSTER=oblivion
CONTEXT="kind-$CLUSTER"
NODE="$CLUSTER-control-plane"
NS=oblivion
PROFILE="${PROFILE:-core}"
# Which PostgreSQL and Redis: bitnami, or open for postgres-groundhog2k and Valkey.
STORES="${STORES:-bitnami}"
# What is built here; a bake target and an image each.
IMAGES="nexus observer-local sandbox"
TIMEOUT="${OBLIVION_CLUSTER_TIMEOUT:-10m}"
# shellcheck source=../versions.env
. "$ROOT/infra/versions.env"

# Never without the context: another cluster may be the current one.
k() { kubectl --context "$CONTEXT" "$@"; }

apply() { k apply --server-side --force-conflicts --field-manager oblivion-cluster-up "$@"; }

# release NAME NAMESPACE PREFIX [VALUES]: installs a chart of versions.env, or brings it to what is written there.
release() {
  local name="$1" namespace="$2" prefix="$3" values="${4:-$1}"
  local chart="${prefix}_CHART" repo="${prefix}_REPO" version="${prefix}_VERSION"
  local source="${!chart}"
  set -- "$source" --version "${!version}"
  [ -z "${!repo:-}" ] || set -- "$@" --repo "${!repo}"
  helm --kube-context "$CONTEXT" upgrade --install "$name" "$@" --namespace "$namespace" \
    --values "$LOCAL/values/$values.yaml" --wait --timeout "$TIMEOUT"
}

# has_release NAME NAMESPACE: whether it is installed, be it that it failed.
has_release() { helm --kube-context "$CONTEXT" status "$1" --namespace "$2" >/dev/null 2>&1; }

cluster_exists() { kind get clusters 2>/dev/null | grep -qx "$CLUSTER"; }

# fail WHAT WHY NEXT
fail() {
  printf '%s\n  why   %s\n  next  %s\n' "$1" "$2" "$3" >&2
  exit 1
}

# at_least FOUND WANTED: whether a version is new enough.
at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -t. -k1,1n -k2,2n -k3,3n | head -n1)" = "$2" ]
}
