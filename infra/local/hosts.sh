#!/usr/bin/env bash
# Names of the local cluster in the hosts file: hosts.sh print|check|write NAME…
# Both families: for a name with .local, macOS waits five seconds for an IPv6 answer that never comes.
set -euo pipefail

FILE="${OBLIVION_HOSTS_FILE:-/etc/hosts}"
BEGIN="# oblivion: begin"
END="# oblivion: end"

lines() { printf '127.0.0.1 %s\n::1 %s\n' "$*" "$*"; }

is_there() {
  local name
  for name in "$@"; do
    sed 's/#.*//' "$FILE" | grep -Eq "^127\.0\.0\.1[[:space:]].*(^|[[:space:]])$name([[:space:]]|\$)" || return 1
  done
}

write() {
  local draft
  if is_there "$@"; then
    echo "$FILE has them already."
    return
  fi
  draft="$(mktemp)"
  {
    sed "/^$BEGIN\$/,/^$END\$/d" "$FILE"
    printf '%s\n' "$BEGIN"
    lines "$@"
    printf '%s\n' "$END"
  } >"$draft"
  echo "This goes into $FILE:"
  lines "$@"
  if [ -w "$FILE" ]; then
    cat "$draft" >"$FILE"
  else
    echo "Your password is asked for, as only root may write there."
    sudo cp "$draft" "$FILE"
  fi
  rm -f "$draft"
}

action="$1"
shift
case "$action" in
  print) lines "$@" ;;
  check) is_there "$@" ;;
  write) write "$@" ;;
esac
