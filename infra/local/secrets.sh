# shellcheck shell=bash
# Generated once, kept in the cluster only: the Secret `oblivion-bootstrap` holds every value; what charts and Oblivion read is
# made of it on each run. Values reach kubectl by standard input, so that no process list and no log shows them.

BOOTSTRAP_KEYS="postgres-password oblivion-db-password langfuse-db-password redis-password qdrant-api-key secret-key auth-secret
  grafana-password langfuse-salt langfuse-encryption-key langfuse-nextauth-secret langfuse-public-key langfuse-secret-key
  langfuse-admin-password clickhouse-password s3-user s3-password"

random_hex() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

secret_exists() { [ -n "$(k -n "$1" get secret "$2" --ignore-not-found -o name)" ]; }

# read_secret NAMESPACE NAME KEY; empty when it is not there
read_secret() {
  k -n "$1" get secret "$2" --ignore-not-found -o "go-template={{with .data}}{{with index . \"$3\"}}{{. | base64decode}}{{end}}{{end}}"
}

bootstrap() { read_secret "$NS" oblivion-bootstrap "$1"; }

# put_secret NAMESPACE NAME: KEY=VALUE lines on standard input
put_secret() {
  {
    printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\nstringData:\n' "$2" "$1"
    sed "s/'/''/g; s/^\([^=]*\)=\(.*\)\$/  \1: '\2'/"
  } | apply -f - >/dev/null
}

step_secrets() {
  local key value lines="" added=0
  if ! secret_exists "$NS" oblivion-bootstrap && [ -n "$(k -n "$NS" get pvc data-postgresql-0 postgres-data-postgresql-0 --ignore-not-found -o name)" ]; then
    fail "The generated secrets are gone, and PostgreSQL's data is there." \
      "It was made with a password that nobody knows any more." "make cluster-down && make cluster-up"
  fi
  for key in $BOOTSTRAP_KEYS; do
    value="$(bootstrap "$key")"
    [ -n "$value" ] || { value="$(random_hex)"; added=$((added + 1)); }
    lines="$lines$key=$value
"
  done
  [ "$added" = 0 ] || printf '%s' "$lines" | put_secret "$NS" oblivion-bootstrap
  echo "$added values generated"
  derive_secrets
}

derive_secrets() {
  local db langfuse_db redis public secret s3_user s3_password
  db="$(bootstrap oblivion-db-password)" langfuse_db="$(bootstrap langfuse-db-password)" redis="$(bootstrap redis-password)"
  printf 'postgres-password=%s\npassword=%s\nlangfuse-password=%s\n' "$(bootstrap postgres-password)" "$db" "$langfuse_db" |
    put_secret "$NS" oblivion-postgresql
  printf 'redis-password=%s\n' "$redis" | put_secret "$NS" oblivion-redis
  printf 'api-key=%s\n' "$(bootstrap qdrant-api-key)" | put_secret "$NS" oblivion-qdrant
  [ "$PROFILE" = full ] || return 0
  public="pk-lf-$(bootstrap langfuse-public-key)" secret="sk-lf-$(bootstrap langfuse-secret-key)"
  s3_user="$(bootstrap s3-user)" s3_password="$(bootstrap s3-password)"
  printf 'admin-user=admin\nadmin-password=%s\n' "$(bootstrap grafana-password)" | put_secret monitoring oblivion-grafana
  printf 'langfuse-basic-auth=%s\n' "$(printf '%s:%s' "$public" "$secret" | base64 | tr -d '\n')" | put_secret monitoring oblivion-otel
  {
    printf 'salt=%s\nencryption-key=%s\n' "$(bootstrap langfuse-salt)" "$(bootstrap langfuse-encryption-key)"
    printf 'nextauth-secret=%s\nadmin-password=%s\n' "$(bootstrap langfuse-nextauth-secret)" "$(bootstrap langfuse-admin-password)"
    printf 'public-key=%s\nsecret-key=%s\n' "$public" "$secret"
    printf 'postgres-password=%s\nredis-password=%s\n' "$langfuse_db" "$redis"
    printf 'clickhouse-password=%s\ns3-user=%s\ns3-password=%s\n' "$(bootstrap clickhouse-password)" "$s3_user" "$s3_password"
    printf 'seaweedfs_s3_config={"identities":[{"name":"langfuse","credentials":[{"accessKey":"%s","secretKey":"%s"}],"actions":["Admin","Read","Write","List","Tagging"]}]}\n' \
      "$s3_user" "$s3_password"
  } | put_secret langfuse oblivion-langfuse
}

# One value of what `oblivion sandbox-seed` printed; empty before it has run.
seeded() { read_secret "$NS" oblivion-seed credentials.json | sed -n "s/^ *\"$1\": \"\([^\"]*\)\".*/\1/p"; }

# The store that production has in AWS, with the same name and keys: here its values are written into it.
step_store() {
  {
    printf 'apiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata:\n  name: oblivion\nspec:\n  provider:\n    fake:\n      data:\n'
    entry nexus/OBLIVION_DATABASE_URL "postgresql://oblivion:$(bootstrap oblivion-db-password)@postgresql:5432/oblivion_db"
    entry nexus/OBLIVION_REDIS_URL "redis://:$(bootstrap redis-password)@redis-master:6379/0"
    entry nexus/OBLIVION_SECRET_KEY "$(bootstrap secret-key)"
    entry nexus/OBLIVION_QDRANT_API_KEY "$(bootstrap qdrant-api-key)"
    entry observer/AUTH_SECRET "$(bootstrap auth-secret)"
    entry observer/OBSERVER_CLIENT_ID "$(seeded observer_client_id)"
    entry observer/OBSERVER_CLIENT_SECRET "$(seeded observer_client_secret)"
    entry agents/demo/AGENT_ID "$(seeded demo_agent_client_id)"
    entry agents/demo/AGENT_SECRET "$(seeded demo_agent_client_secret)"
    entry agents/demo/GITHUB_TOKEN local-placeholder
  } | apply -f - >/dev/null
  k wait --for=condition=Ready clustersecretstore/oblivion --timeout=60s
}

entry() { [ -z "$2" ] || printf '        - {key: /oblivion/%s, value: "%s"}\n' "$1" "$2"; }
