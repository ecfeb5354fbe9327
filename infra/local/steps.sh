#!/usr/bin/env bash
# Does one step of cluster.sh: a process of its own, so that `set -e` holds and Ctrl-C reaches what it runs.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=common.sh
. "$here/common.sh"
# shellcheck source=preflight.sh
. "$here/preflight.sh"
# shellcheck source=secrets.sh
. "$here/secrets.sh"
# shellcheck source=releases.sh
. "$here/releases.sh"
# shellcheck source=app.sh
. "$here/app.sh"

"step_$1"
