"""Which lines somebody wants to see. Pure."""

from oblivion_protocol.admin import FeedFilters, FeedLine


def wanted(line: FeedLine, filters: FeedFilters) -> bool:
    """Whether a line passes all filters; what is empty lets everything through."""
    return (
        (not filters.levels or line.level in filters.levels)
        and (not filters.sources or line.source in filters.sources)
        and (not filters.kinds or any(_is_a(line.kind, kind) for kind in filters.kinds))
        and (filters.task_id is None or filters.task_id in (line.task_id, line.data.get("conversation_id")))
        and (not filters.q or filters.q.casefold() in line.message.casefold())
    )


def is_open(filters: FeedFilters) -> bool:
    """Whether everything passes."""
    return filters == FeedFilters()


def _is_a(kind: str, family: str) -> bool:
    return kind == family or kind.startswith(f"{family}.")
