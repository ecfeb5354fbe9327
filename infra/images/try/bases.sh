# shellcheck shell=bash disable=SC2154,SC2016 # try.sh sets the variables; the words in $() are apt's
# Stand-ins for the base images, for a machine that cannot pull: Debian by debootstrap, with the Python of .venv and a
# Node from npm in /usr/local, where the official images have theirs. Sourced by try.sh.

PYTHON_LIBRARIES=libssl3,libsqlite3-0,libffi8,liblzma5,libbz2-1.0,libreadline8,libuuid1,libexpat1,zlib1g,ca-certificates,netbase,tzdata

base_named() { sed -nE "s|^FROM ($1:[^ ]+) AS .*|\1|p" "$images"/*/Dockerfile | sort -u; }

have_image() { podman "${store[@]}" image exists "$1"; }

import_base() { # NAME DIRECTORY [KEY=VALUE…]
  local name=$1 directory=$2 changes=()
  shift 2
  local change
  for change in "$@"; do changes+=(--change "ENV $change"); done
  tar --numeric-owner -C "$directory" -c . | podman "${store[@]}" import -q "${changes[@]}" - "$name" >/dev/null
}

debian() {
  [ -d "$work/debian" ] && return
  say "Debian bookworm by debootstrap"
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | sort -u | head -n 1)
  rm -rf "$work/debian.part"
  debootstrap --variant=minbase --include="$PYTHON_LIBRARIES" bookworm "$work/debian.part" \
    "${mirror:-http://deb.debian.org/debian}" >"$work/debootstrap.log" 2>&1 \
    || { tail -n 20 "$work/debootstrap.log" >&2; exit 1; }
  # What names this machine's own sources of packages stays here.
  rm -rf "$work/debian.part"/var/cache/apt/archives/*.deb "$work/debian.part"/var/lib/apt/lists/* \
    "$work/debian.part"/etc/apt/sources.list "$work/debian.part"/etc/apt/apt.conf.d/*proxy* "$work/debian.part"/var/log/*
  mv "$work/debian.part" "$work/debian"
}

python_base() {
  local name
  name=$(base_named python)
  have_image "$name" && return
  debian
  local prefix
  prefix=$("$root/.venv/bin/python" -c 'import sys; print(sys.base_prefix)')
  [ "$prefix" != /usr ] || fail "The Python of .venv is the system's, which cannot be copied. Make .venv with another one: make clean setup PYTHON=…"
  say "$name: a stand-in with $("$root/.venv/bin/python" -V)"
  rm -rf "$work/python"
  cp -a --reflink=auto "$work/debian" "$work/python"
  # As the official image does it: no tests, no bytecode, no static libraries.
  (cd "$prefix" && tar --exclude='*.pyc' --exclude='*.a' --exclude=test --exclude=tests --exclude='site-packages/*' -c bin/python* bin/pip* lib include) \
    | tar -C "$work/python/usr/local" -x --no-same-owner
  (cd "$prefix" && tar -c lib/python3.*/site-packages/pip) | tar -C "$work/python/usr/local" -x --no-same-owner
  ln -sf python3 "$work/python/usr/local/bin/python"
  chroot "$work/python" ldconfig
  import_base "$name" "$work/python" PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
  rm -rf "$work/python"
}

node_base() {
  local name version
  name=$(base_named node)
  have_image "$name" && return
  debian
  version=${name#node:}
  version=${version%%-*}
  say "$name: a stand-in with Node $version from npm"
  local machine=x64
  [ "$(uname -m)" = aarch64 ] && machine=arm64
  rm -rf "$work/node" "$work/node-packages"
  mkdir "$work/node-packages"
  echo "{}" >"$work/node-packages/package.json" # without it npm installs into the repository above
  (cd "$work/node-packages" && npm install --silent --no-audit --no-fund --ignore-scripts "node-linux-$machine@$version" npm@11)
  cp -a --reflink=auto "$work/debian" "$work/node"
  install -m 0755 "$work/node-packages/node_modules/node-linux-$machine/bin/node" "$work/node/usr/local/bin/node"
  mkdir -p "$work/node/usr/local/lib/node_modules"
  cp -a "$work/node-packages/node_modules/npm" "$work/node/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/node/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$work/node/usr/local/bin/npx"
  import_base "$name" "$work/node" PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
  rm -rf "$work/node" "$work/node-packages"
}

github_mcp_base() {
  local name
  name=$(base_named ghcr.io/github/github-mcp-server)
  have_image "$name" && return
  say "$name: a stand-in that only says so"
  mkdir -p "$work/github/server"
  printf '#!/bin/sh\necho "a stand-in for github-mcp-server" >&2\nexit 1\n' >"$work/github/server/github-mcp-server"
  chmod 0755 "$work/github/server/github-mcp-server"
  import_base "$name" "$work/github"
  rm -rf "$work/github"
}
