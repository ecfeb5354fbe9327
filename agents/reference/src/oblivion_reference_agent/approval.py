"""Asks people before anything is written."""

from oblivion import AnswerExpired, Context
from oblivion_reference_agent.graph import Decision
from oblivion_reference_agent.proposal import Proposal
from oblivion_reference_agent.settings import Settings


async def decide(ctx: Context, proposal: Proposal, settings: Settings) -> Decision:
    """What people decided. The same proposal asks the same question, so an answer given before a crash still counts."""
    try:
        approved = await ctx.approve(
            action_text(proposal), approvers=settings.approvers, timeout=settings.approval_timeout_seconds
        )
    except AnswerExpired:
        return "expired"
    return "approved" if approved else "denied"


def action_text(proposal: Proposal) -> str:
    """Everything that would be written, so that people approve what happens and not a summary of it."""
    return f"Open an issue in {proposal.repository}\n\nTitle: {proposal.title}\n\n{proposal.body}"
