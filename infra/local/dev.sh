#!/usr/bin/env bash
# The inner loop: Tilt builds what is saved and runs it in the cluster, until Ctrl-C. `make cluster-up` takes it back.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=common.sh
. "$here/common.sh"
# shellcheck source=preflight.sh
. "$here/preflight.sh"

for tool in docker kind kubectl helm tilt; do
  need_tool "$tool" "Tilt builds images and runs them in the cluster with it."
done
docker_answers
check_version helm "$MIN_HELM"
check_version tilt "$MIN_TILT"
cluster_exists || fail "There is no cluster $CLUSTER." "Tilt changes what runs in one; it makes none." "make cluster-up"
has_release oblivion "$NS" || fail "Oblivion is not in the cluster $CLUSTER yet." \
  "Its stores, credentials and first settings come from make cluster-up." "make cluster-up"

# As the cluster was made, whatever is asked for now.
PROFILE=core
! has_release monitoring monitoring || PROFILE=full
export PROFILE

echo "Press Space for Tilt's page: what is built, what runs, logs. http://sandbox.oblivion.local is the system itself."
echo "Ctrl-C leaves your changes running; make cluster-up makes the cluster what the checkout says, and keeps its data."
exec tilt up --file "$LOCAL/Tiltfile" --context "$CONTEXT"
