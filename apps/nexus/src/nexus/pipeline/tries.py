"""What became of each try of an inbox row or a delivery, written by the UPDATE that ends the try.

`history` is a list of `{"at": ISO 8601, "outcome": str, "reason": str | null}`, oldest first. An outcome is a final
state of the row, or `retry`, `unsure`, `deferred`, `crash` or `replayed`; the first three also have `after_seconds`.
"""

from sqlalchemy import TextClause, text

KEPT_TRIES = 20
"""How many ends of tries a row remembers."""

_KEPT = f"CASE WHEN jsonb_array_length(history) >= {KEPT_TRIES} THEN history - 0 ELSE history END"


def longer_history_sql(outcome: str, reason: str, after_seconds: str | None = None) -> str:
    """The `history` of a row with one entry more; the arguments are SQL."""
    more = "" if after_seconds is None else f", 'after_seconds', {after_seconds}"
    return f"{_KEPT} || jsonb_build_object('at', clock_timestamp(), 'outcome', {outcome}, 'reason', {reason}{more})"


def told_sql(outcome: str, reason: str) -> str:
    """Assignments for the UPDATE that ends a try; both arguments are SQL."""
    return f"changed_at = clock_timestamp(), history = {longer_history_sql(outcome, reason)}"


def longer_history(outcome: str, reason: str | None) -> TextClause:
    """The same as a value for SQLAlchemy's `update(…).values(history=…)`, which sets `changed_at` by itself."""
    sql = longer_history_sql("CAST(:told_outcome AS text)", "CAST(:told_reason AS text)")
    return text(sql).bindparams(told_outcome=outcome, told_reason=reason)
