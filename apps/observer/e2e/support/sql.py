"""Runs one SQL statement against the system under test and prints its rows as JSON."""

import asyncio
import json
import sys

import asyncpg


async def main(url: str, statement: str) -> None:
    """Everything in one transaction."""
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        rows = await connection.fetch(statement)
    await connection.close()
    sys.stdout.write(json.dumps([[str(value) for value in row] for row in rows]))


asyncio.run(main(*sys.argv[1:3]))
