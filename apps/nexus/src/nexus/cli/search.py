"""`oblivion search`: the index anew, and how well it finds things."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from nexus.bootstrap import Nexus, open_nexus
from nexus.cli.admin import TenantOption, tenant_named
from nexus.kit.logging import configure_logging
from nexus.search import changes
from nexus.search.embed import PackagedEmbedder
from nexus.search.embedded import EmbeddedIndex
from nexus.search.evaluation.measure import RANKINGS, Answer, EvaluationSet, Half, answers, figures, load_set
from nexus.search.rows import count_rows
from nexus.search.store import Collection
from nexus.settings import Settings

search = typer.Typer(no_args_is_help=True)


@search.command()
def reindex(tenant: TenantOption = None) -> None:
    """Has everything of a tenant indexed anew, by the process that keeps the index, while it goes on searching."""

    async def run() -> int:
        async with open_nexus(Settings()) as nexus:
            tenant_id = await tenant_named(nexus, tenant)
            await changes.request_all(nexus.db, tenant_id)
            return await _rows(nexus, tenant)

    configure_logging("console", level="ERROR")
    rows = asyncio.run(run())
    typer.echo(f"{rows} rows will be indexed anew as soon as Nexus runs; `oblivion search status` tells how far it is.")


@search.command()
def status(tenant: TenantOption = None) -> None:
    """How many changes of a tenant are not in the index yet."""

    async def run() -> tuple[int, int]:
        async with open_nexus(Settings()) as nexus:
            tenant_id = await tenant_named(nexus, tenant)
            async with nexus.db.tenant(tenant_id) as session:
                return await changes.waiting(session), await count_rows(session)

    configure_logging("console", level="ERROR")
    waiting, rows = asyncio.run(run())
    typer.echo(f"{waiting} changes wait to be indexed; there are {rows} rows.")


@search.command()
def evaluate(
    half: Annotated[str, typer.Option(help="tuning, by which the weights were chosen, or held_out")] = "held_out",
) -> None:
    """Measures the packaged model, BM25 and both together on the questions that we keep for it. Needs no servers."""
    if half not in ("tuning", "held_out"):
        raise typer.BadParameter("--half is tuning or held_out")
    configure_logging("console", level="ERROR")
    evaluation = load_set()
    answered = asyncio.run(_answers(evaluation))
    table = Table(title=f"{half}: {len(evaluation.documents)} texts; hit@1 / hit@5 / MRR")
    table.add_column("")
    groups = ("paraphrase", "identifier", "name", None)
    columns = [[each for each in answered if _belongs(each, half, group)] for group in groups]
    for group, chosen in zip(groups, columns, strict=True):
        table.add_column(f"{group or 'all'} ({len(chosen)})")
    for name, ranking in RANKINGS.items():
        cells = [figures(chosen, ranking) for chosen in columns]
        table.add_row(name, *(f"{cell.hit_at_1:.2f} / {cell.hit_at_5:.2f} / {cell.mrr:.3f}" for cell in cells))
    Console(soft_wrap=True, highlight=False, width=140).print(table)


def _belongs(answer: Answer, half: Half, group: str | None) -> bool:
    return answer.query.half == half and group in (None, answer.query.kind)


async def _answers(evaluation: EvaluationSet) -> list[Answer]:
    embedder = PackagedEmbedder()
    collection = Collection(embedder.model, await embedder.dimension())
    with tempfile.TemporaryDirectory(prefix="oblivion-") as directory:
        index = EmbeddedIndex(Path(directory), collection)
        await index.exists()
        await index.create()
        try:
            return await answers(index, embedder, evaluation)
        finally:
            await index.aclose()


async def _rows(nexus: Nexus, tenant: str | None) -> int:
    async with nexus.db.tenant(await tenant_named(nexus, tenant)) as session:
        return await count_rows(session)
