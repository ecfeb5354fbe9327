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


Row = tuple[type[Base], Mapping[str, Any]]
"""A table, and values for some of its columns; those that are arrays are not supported."""


async def insert_new(session: AsyncSession, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Inserts rows of a table, all with values for the same columns, but for those that some unique key has already.

    Returns the ids of those that are new.
    """
    if not rows:
        return set()
    columns = tuple(rows[0])
    inserted = await session.execute(_insert_new_sql(model, columns), _values(model, columns, rows, ""))
    return set(inserted.scalars())


async def write(session: AsyncSession, rows: Sequence[Row], *, unless_there: Collection[type[Base]] = ()) -> None:
    """Inserts rows of several tables in one statement; they may refer to one another.

    Of tables in `unless_there` those are left out that some unique key has already. Rows of one table have values for
    the same columns.
    """
    by_table: dict[type[Base], list[Mapping[str, Any]]] = {}
    for model, row in rows:
        by_table.setdefault(model, []).append(row)
    if not by_table:
        return
    shape = tuple((model, tuple(some[0]), model in unless_there) for model, some in by_table.items())
    values: dict[str, Any] = {}
    for number, (model, columns, _) in enumerate(shape):
        values |= _values(model, columns, by_table[model], f"t{number}_")
    await session.execute(_write_sql(shape), values)


def _values(
    model: type[Base], columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]], prefix: str
) -> dict[str, list[Any]]:
    kinds = _table(model).c
    return {
        f"{prefix}{name}": [json.dumps(row[name]) if isinstance(kinds[name].type, JSONB) else row[name] for row in rows]
        for name in columns
    }


@cache
def _insert_new_sql(model: type[Base], columns: tuple[str, ...]) -> TextClause:
    return text(_insert_sql(model, columns, "") + " ON CONFLICT DO NOTHING RETURNING id")


@cache
def _write_sql(shape: tuple[tuple[type[Base], tuple[str, ...], bool], ...]) -> TextClause:
    inserts: list[str] = []
    for number, (model, columns, unless_there) in enumerate(shape):
        insert = _insert_sql(model, columns, f"t{number}_") + (" ON CONFLICT DO NOTHING" if unless_there else "")
        inserts.append(f"t{number} AS ({insert})")
    return text(f"WITH {', '.join(inserts)} SELECT 1")


def _insert_sql(model: type[Base], columns: tuple[str, ...], prefix: str) -> str:
    table = _table(model)
    types = {name: table.c[name].type for name in columns}
    arrays = ", ".join(
        f"CAST(:{prefix}{name} AS {'text' if isinstance(kind, JSONB) else kind.compile(_DIALECT)}[])"
        for name, kind in types.items()
    )
    given = ", ".join(
        f"CAST(given.{name} AS jsonb)" if isinstance(kind, JSONB) else f"given.{name}" for name, kind in types.items()
    )
    names = ", ".join(columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {given} FROM unnest({arrays}) AS given({names})"  # noqa: S608 - names of ours


def _table(model: type[Base]) -> Table:
    return cast("Table", model.__table__)
