# shellcheck shell=bash
# Says what is missing on this laptop before anything is begun.

how_to_get() {
  case "$(uname -s):$1" in
    Darwin:docker) echo "brew install --cask docker, then start Docker Desktop" ;;
    Darwin:*) echo "brew install $1" ;;
    *:docker) echo "https://docs.docker.com/engine/install/, then: sudo usermod -aG docker \$USER" ;;
    *:kind) echo "https://kind.sigs.k8s.io/docs/user/quick-start/#installation (one binary; or: go install sigs.k8s.io/kind@latest)" ;;
    *:helm) echo "https://helm.sh/docs/intro/install/ (one binary; or: snap install helm --classic)" ;;
    *:tilt) echo "https://docs.tilt.dev/install.html (one binary)" ;;
    *:kubectl) echo "https://kubernetes.io/docs/tasks/tools/install-kubectl-linux/ (one binary; or: snap install kubectl --classic)" ;;
    *:*) echo "your package manager" ;;
  esac
}

version_of() {
  case "$1" in
    kind) kind version | sed -n 's/^kind v\([0-9.]*\).*/\1/p' ;;
    helm) helm version --template '{{.Version}}' | sed 's/^v//; s/[-+].*//' ;;
    kubectl) kubectl version --client | sed -n 's/^Client Version: v\([0-9.]*\).*/\1/p' ;;
    tilt) tilt version | sed -n 's/^v\([0-9.]*\).*/\1/p' ;;
    buildx) docker buildx version | sed -n 's/.* v\{0,1\}\([0-9][0-9.]*\).*/\1/p' ;;
  esac
}

check_version() {
  local found
  found="$(version_of "$1" || true)"
  [ -n "$found" ] || fail "The version of $1 cannot be read." "It may be broken: try it by hand." "$(how_to_get "$1")"
  at_least "$found" "$2" || fail "$1 $found is too old." "Oblivion needs $2 or newer." "$(how_to_get "$1")"
}

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

check_ports() {
  local port
  while read -r port; do
    ! port_is_taken "$port" || fail "Port $port of this laptop is taken." \
      "Kong listens there, so that http://oblivion.local works without a port." \
      "See who has it (sudo lsof -nP -iTCP:$port -sTCP:LISTEN), stop that, and run make cluster-up again."
  done < <(sed -n 's/.*hostPort: \([0-9]*\).*/\1/p' "$LOCAL/kind.yaml")
}

check_stores() {
  local other releases name
  case "$STORES" in
    bitnami) other=open releases="postgres valkey" ;;
    open) other=bitnami releases="postgresql redis" ;;
  esac
  for name in $releases; do
    ! has_release "$name" "$NS" || fail "The cluster has the PostgreSQL and Redis of STORES=$other; $STORES would be others." \
      "Their data cannot be taken over." "make cluster-up STORES=$other, or make cluster-down (deletes the data) and make cluster-up STORES=$STORES"
  done
}

# need_tool NAME WHY
need_tool() { command -v "$1" >/dev/null || fail "$1 is not installed." "$2" "$(how_to_get "$1")"; }

docker_answers() {
  docker info >/dev/null 2>&1 || fail "Docker does not answer." "It is not running, or this user may not use it." \
    "Start it (Docker Desktop, or: sudo systemctl start docker); Linux: $(how_to_get docker)"
}

check_memory() {
  local have need
  have=$(($(docker info --format '{{.MemTotal}}') / 1024 / 1024))
  need=3500
  [ "$PROFILE" = core ] || need=7500
  [ "$have" -ge "$need" ] || fail "Docker has $have MiB of memory; the profile $PROFILE needs $need." \
    "Pods would be killed or would not start." \
    "Give Docker more (Docker Desktop: Settings, Resources), or take PROFILE=core."
}

step_preflight() {
  local tool
  case "$PROFILE" in core | full) ;; *) fail "There is no profile $PROFILE." "Profiles are core and full." "make cluster-up PROFILE=core" ;; esac
  case "$STORES" in bitnami | open) ;; *) fail "There are no stores $STORES." "Stores are bitnami and open." "make cluster-up STORES=open" ;; esac
  for tool in docker kind kubectl helm curl; do
    need_tool "$tool" "The cluster is made with it."
  done
  docker_answers
  check_version kind "$MIN_KIND"
  check_version helm "$MIN_HELM"
  check_version kubectl "$MIN_KUBECTL"
  check_version buildx "$MIN_BUILDX"
  check_memory
  if cluster_exists; then check_stores; else check_ports; fi
}

step_cluster() {
  if cluster_exists; then
    k cluster-info >/dev/null || fail "The cluster $CLUSTER is there and does not answer." \
      "Its container may be stopped, as after a restart of Docker." "docker start $NODE, or make cluster-down and make cluster-up"
    echo "the cluster is there"
    return
  fi
  kind create cluster --config "$LOCAL/kind.yaml" --wait 180s
}

step_namespaces() { apply -f "$LOCAL/manifests/namespaces.yaml"; }
