"""Many rows or values in one statement, whose text and plan do not depend on how many they are."""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, TextClause, any_, literal, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from nexus.store.tables.base import Base

_DIALECT = postgresql.dialect()


def one_of(column: InstrumentedAttribute[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """`column = ANY(values)`: what `IN` says."""
    return column == any_(literal(list(values), ARRAY(column.type)))


async def insert_new(session: AsyncSession, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Inserts rows of a table, all with values for the same columns, but for those that some unique key has already.

    Returns the ids of those that are new. Columns that are arrays are not supported.
    """
    if not rows:
        return set()
    columns = tuple(rows[0])
    json_columns = {name for name in columns if isinstance(model.__table__.c[name].type, JSONB)}
    values = {name: [json.dumps(row[name]) if name in json_columns else row[name] for row in rows] for name in columns}
    inserted = await session.execute(_insert_sql(model, columns), values)
    return set(inserted.scalars())


@cache
def _insert_sql(model: type[Base], columns: tuple[str, ...]) -> TextClause:
    table = cast("Table", model.__table__)
    types = {name: table.c[name].type for name in columns}
    arrays = ", ".join(
        f"CAST(:{name} AS {'text' if isinstance(kind, JSONB) else kind.compile(_DIALECT)}[])"
        for name, kind in types.items()
    )
    given = ", ".join(
        f"CAST(given.{name} AS jsonb)" if isinstance(kind, JSONB) else f"given.{name}" for name, kind in types.items()
    )
    names = ", ".join(columns)
    return text(
        f"INSERT INTO {table.name} ({names}) SELECT {given} FROM unnest({arrays}) AS given({names}) "  # noqa: S608 - names of ours
        "ON CONFLICT DO NOTHING RETURNING id"
    )
