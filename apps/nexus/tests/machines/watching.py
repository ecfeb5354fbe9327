"""Triggers that look at every single change of a row, so that no wrong state passes unseen between two steps."""

WATCH = """
CREATE TABLE violations (what text, about text);
CREATE TABLE claimants (id uuid PRIMARY KEY, name text);
CREATE TABLE moves (task_id uuid, old_state text, new_state text, old_epoch int, new_epoch int);

CREATE FUNCTION watch_queue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE clash int;
BEGIN
    IF OLD.state IN ('done', 'ignored', 'superseded') AND NEW.state <> OLD.state THEN
        INSERT INTO violations VALUES ('a finished row changed', TG_TABLE_NAME || ' ' || OLD.state || ' ' || NEW.state);
    END IF;
    -- Who claimed a row is the only one that settles or releases it; what is reaped has crashed.
    IF NEW.claimed_by IS NOT NULL AND NEW.claimed_by IS DISTINCT FROM OLD.claimed_by THEN
        INSERT INTO claimants VALUES (NEW.id, current_setting('application_name'))
            ON CONFLICT (id) DO UPDATE SET name = excluded.name;
    ELSIF OLD.claimed_by IS NOT NULL AND NEW.claimed_by IS NULL
          AND NEW.shared_crashes = OLD.shared_crashes AND NEW.crashes = OLD.crashes AND NOT EXISTS (
            SELECT FROM claimants WHERE id = NEW.id AND name = current_setting('application_name')) THEN
        INSERT INTO violations VALUES ('somebody else ended a claim', TG_TABLE_NAME || ' ' || NEW.state);
    ELSIF OLD.claimed_by IS NULL AND NEW.state IN ('done', 'dead')
            AND OLD.settled_at IS DISTINCT FROM NEW.settled_at THEN
        INSERT INTO violations VALUES ('settled without a claim', TG_TABLE_NAME || ' ' || NEW.state);
    END IF;
    IF OLD.state = 'dead' AND NEW.claimed_by IS NOT NULL THEN
        INSERT INTO violations VALUES ('a dead row was claimed', TG_TABLE_NAME);
    END IF;
    IF NEW.attempts > 12 + NEW.crashes + NEW.shared_crashes OR NEW.attempts < 0 THEN
        INSERT INTO violations VALUES ('attempts', NEW.attempts::text);
    END IF;
    IF NEW.claimed_by IS NOT NULL AND OLD.claimed_by IS DISTINCT FROM NEW.claimed_by THEN
        IF OLD.claimed_by IS NOT NULL THEN
            INSERT INTO violations VALUES ('a claim was taken over without being freed', TG_TABLE_NAME);
        END IF;
        EXECUTE format('SELECT count(*) FROM %I WHERE stream_key = $1 AND claimed_by IS NOT NULL', TG_TABLE_NAME)
            INTO clash USING NEW.stream_key;
        IF clash > 1 THEN
            INSERT INTO violations VALUES ('two claims in one stream', TG_TABLE_NAME || ' ' || NEW.stream_key);
        END IF;
        EXECUTE format('SELECT count(*) FROM %I WHERE stream_key = $1 AND id <> $2 AND (%I, id) < ($3, $2)
            AND state IN (''pending'', ''sending'')', TG_TABLE_NAME, TG_ARGV[0])
            INTO clash USING NEW.stream_key, NEW.id, (to_jsonb(NEW) ->> TG_ARGV[0])::{order};
        IF clash > 0 THEN
            INSERT INTO violations VALUES ('claimed before an earlier one', TG_TABLE_NAME || ' ' || NEW.stream_key);
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION watch_tasks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF OLD.finished_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
        INSERT INTO violations VALUES ('a finished task changed', OLD.state || ' ' || NEW.state);
    END IF;
    IF NEW.epoch < OLD.epoch OR NEW.epoch > OLD.epoch + 1 OR (NEW.epoch > OLD.epoch AND NEW.state <> 'offered') THEN
        INSERT INTO violations VALUES ('epoch', OLD.epoch || ' ' || NEW.epoch || ' ' || NEW.state);
    END IF;
    IF (OLD.state, OLD.epoch) IS DISTINCT FROM (NEW.state, NEW.epoch) THEN
        INSERT INTO moves VALUES (OLD.id, OLD.state, NEW.state, OLD.epoch, NEW.epoch);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER watch AFTER UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION watch_tasks();
"""


def watch_sql() -> str:
    """Everything to install in a database of machines."""
    function = WATCH[WATCH.index("CREATE FUNCTION watch_queue") : WATCH.index("CREATE FUNCTION watch_tasks")]
    statements = WATCH.replace(function, "")
    for table, order, kind in (("deliveries", "order_key", "bigint"), ("inbox", "occurred_at", "timestamptz")):
        statements += function.replace("watch_queue", f"watch_{table}").replace("{order}", kind)
        statements += (
            f"CREATE TRIGGER watch AFTER UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION watch_{table}('{order}');\n"
        )
    return statements
