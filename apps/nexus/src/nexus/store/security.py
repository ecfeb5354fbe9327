"""Row-level security: which role sees which rows. Applied by migrations, checked by tests.

Two roles that own nothing and cannot log in, taken on for one transaction at a time:

- `oblivion_app` sees the rows of the tenant in `app.tenant_id`; with none set it sees nothing.
- `oblivion_system` sees all tenants, and only the tables that cross-tenant work needs: whose webhook is this,
  what is due, whose lease is over.
"""

from collections.abc import Iterable, Iterator

APP_ROLE = "oblivion_app"
SYSTEM_ROLE = "oblivion_system"

SYSTEM_TABLES = (
    "tenants",
    "signing_keys",
    "connections",
    "webhook_keys",
    "api_keys",
    "api_key_secrets",
    "agents",
    "agent_sessions",
    "agent_messages",
    "inbox",
    "deliveries",
    "tasks",
    "questions",
    "task_mappings",
    "messages",
    "paces",
    "search_changes",
    "mutes",
    "held_posts",
)


def create_roles_sql() -> Iterator[str]:
    """Creates both roles if they are missing and lets the current user take them on."""
    for role in (APP_ROLE, SYSTEM_ROLE):
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN "
            f"CREATE ROLE {role} NOLOGIN NOBYPASSRLS; END IF; "
            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        # To take on, not to inherit: the owner must see no more through its membership than anybody else.
        yield (
            "DO $$ BEGIN IF current_setting('server_version_num')::int >= 160000 THEN "
            f"EXECUTE format('GRANT {role} TO %I WITH INHERIT FALSE, SET TRUE', current_user); "
            f"ELSE EXECUTE format('GRANT {role} TO %I', current_user); END IF; END $$"
        )
        yield f"GRANT USAGE ON SCHEMA public TO {role}"


def protect_sql(tenant_tables: Iterable[str], system_tables: Iterable[str]) -> Iterator[str]:
    """Enables and forces row-level security on new tables with a `tenant_id`, and grants access to the roles.

    `system_tables` are those of them that cross-tenant work needs, too.
    """
    mine = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
    for table in tenant_tables:
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        yield f"CREATE POLICY tenant ON {table} TO {APP_ROLE} USING ({mine}) WITH CHECK ({mine})"
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP_ROLE}"
    for table in system_tables:
        yield f"CREATE POLICY system ON {table} TO {SYSTEM_ROLE} USING (true) WITH CHECK (true)"
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {SYSTEM_ROLE}"


def protect_tenants_sql() -> Iterator[str]:
    """The same for the tables without a `tenant_id`, once: tenants themselves, keys, the schema's revision."""
    # A tenant may read its own name; only the system creates tenants.
    yield "ALTER TABLE tenants ENABLE ROW LEVEL SECURITY"
    yield "ALTER TABLE tenants FORCE ROW LEVEL SECURITY"
    own = "id = nullif(current_setting('app.tenant_id', true), '')::uuid"
    yield f"CREATE POLICY tenant ON tenants FOR SELECT TO {APP_ROLE} USING ({own})"
    yield f"GRANT SELECT ON tenants TO {APP_ROLE}"
    yield f"CREATE POLICY system ON tenants TO {SYSTEM_ROLE} USING (true) WITH CHECK (true)"
    for table in ("tenants", "signing_keys"):
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {SYSTEM_ROLE}"
    yield f"GRANT SELECT ON alembic_version TO {APP_ROLE}, {SYSTEM_ROLE}"
