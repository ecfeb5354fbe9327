# shellcheck shell=bash
# Oblivion itself: images, sandbox, chart, seed, and a look whether all of it answers.

SANDBOX_URL=http://sandbox.oblivion.svc.cluster.local:8002

image_id() { docker image inspect --format '{{.Id}}' "localhost/oblivion/$1:dev"; }

annotation() { # of KIND/NAME: the image that it holds or runs
  k ${3:+-n "$3"} get "$1" -o "jsonpath={.metadata.annotations.oblivion\\.local/image-$2}"
}

step_images() {
  local image id
  # Without attestations: kind cannot load an image that comes with them.
  # shellcheck disable=SC2086
  (cd "$ROOT" && docker buildx bake --file infra/images/docker-bake.hcl --provenance=false --sbom=false --load $IMAGES)
  for image in $IMAGES; do
    id="$(image_id "$image")"
    if [ "$(annotation "node/$NODE" "$image")" = "$id" ]; then
      echo "$image is loaded"
      continue
    fi
    kind load docker-image --name "$CLUSTER" "localhost/oblivion/$image:dev"
    k annotate --overwrite "node/$NODE" "oblivion.local/image-$image=$id"
  done
}

# Images keep their tag: what runs on an older one of the same name is started again, and only that.
renew() {
  local workload="$1" image="$2" id runs
  id="$(image_id "$image")"
  runs="$(annotation "$workload" "$image" "$NS")"
  if [ -n "$runs" ] && [ "$runs" != "$id" ]; then
    k -n "$NS" rollout restart "$workload"
  fi
  k -n "$NS" rollout status "$workload" --timeout="$TIMEOUT"
  [ "$runs" = "$id" ] || k -n "$NS" annotate --overwrite "$workload" "oblivion.local/image-$image=$id"
}

step_sandbox() {
  apply -f "$LOCAL/manifests/sandbox.yaml"
  renew deployment/sandbox sandbox
}

install_oblivion() {
  local values="$CHART/values-local.yaml" version
  set -- --values "$values" "$@"
  [ "$PROFILE" = core ] || set -- --values "$values" --values "$CHART/values-local-full.yaml" "${@:3}"
  # `make dev` applies the same objects without helm, which takes them back: those it did not make, and fields that another set.
  version="$(version_of helm)"
  ! at_least "$version" 3.17.0 || set -- "$@" --take-ownership
  ! at_least "$version" 4.0.0 || set -- "$@" --server-side=true --force-conflicts
  helm --kube-context "$CONTEXT" upgrade --install oblivion "$CHART" --namespace "$NS" --wait --timeout "$TIMEOUT" "$@"
}

# Nexus alone: dashboard and agents need credentials that only a running Nexus can make.
step_nexus() {
  if secret_exists "$NS" oblivion-seed; then
    echo "seeded before: everything is installed in one go"
    return
  fi
  install_oblivion --values "$LOCAL/values/oblivion-first.yaml"
}

# Connects Nexus to the sandbox and keeps the credentials; those that work are given back and stay.
step_seed() {
  local before after
  before="$(read_secret "$NS" oblivion-seed credentials.json)"
  after="$(printf '%s' "$before" | k -n "$NS" exec -i deployment/oblivion-gateway -- \
    oblivion sandbox-seed --sandbox-url "$SANDBOX_URL" --credentials -)"
  if [ "$before" = "$after" ]; then
    echo "nothing new"
    return
  fi
  {
    printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: oblivion-seed\n  namespace: %s\ndata:\n' "$NS"
    printf '  credentials.json: %s\n' "$(printf '%s' "$after" | base64 | tr -d '\n')"
  } | apply -f - >/dev/null
  step_store
  [ -n "$before" ] || return 0
  echo "credentials have changed: dashboard and demo agent get the new ones"
  k -n "$NS" annotate --overwrite externalsecret --all "oblivion.local/renewed=$(date +%s)"
  k -n "$NS" wait --for=condition=Ready externalsecret --all --timeout=60s
  k -n "$NS" rollout restart deployment/oblivion-observer statefulset/oblivion-agent-demo
}

step_oblivion() {
  install_oblivion
  renew deployment/oblivion-gateway nexus
  renew deployment/oblivion-worker nexus
  renew deployment/oblivion-observer observer-local
  renew statefulset/oblivion-agent-demo sandbox
}

answers() { # HOST PATH: through Kong, as a browser comes, without the hosts file
  curl --silent --show-error --fail --output /dev/null --max-time 10 --retry 10 --retry-delay 2 --retry-all-errors \
    --resolve "$1:80:127.0.0.1" "http://$1$2"
}

step_smoke() {
  answers api.oblivion.local /openapi.json
  answers oblivion.local /api/health
  answers sandbox.oblivion.local /livez
  [ "$PROFILE" = core ] || answers grafana.oblivion.local /api/health
  [ "$PROFILE" = core ] || answers langfuse.oblivion.local /api/public/health
}

step_seeded_before() { secret_exists "$NS" oblivion-seed; }
