"""Start → Read → Think → Act, as a LangGraph state graph. It knows neither Nexus nor Slack.

Every stage ends in a checkpoint, so a process that dies repeats one stage at most. Start, Read and Think change nothing
outside; Act stops before its write until people have decided, and its write happens once however often Act runs.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from opentelemetry import trace
from pydantic import ValidationError

from oblivion_reference_agent.prompts import THINK, THINK_AND_PROPOSE, quoted
from oblivion_reference_agent.proposal import TOOL_NAME, Proposal, as_tool
from oblivion_reference_agent.tools import ReadTools, ToolFailed

STAGES = ("Start", "Read", "Think", "Act")
MAX_ROUNDS = 8
"""How often the model may ask for tools."""
MAX_CALLS_A_ROUND = 8

Update = dict[str, Any]
"""The keys of the state that a stage changes."""

Decision = Literal["approved", "denied", "expired"]

tracer = trace.get_tracer("oblivion.reference")


class State(TypedDict):
    """What is kept from stage to stage: plain data and messages, nothing that cannot be stored."""

    task_id: str
    may_propose: bool
    messages: Annotated[list[AnyMessage], add_messages]
    rounds: NotRequired[int]
    proposal: NotRequired[dict[str, Any]]
    proposed_at: NotRequired[str]
    answer: NotRequired[str]
    result: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything that the graph needs and that is not stored."""

    model: BaseChatModel
    read_tools: ReadTools
    write: Callable[[Proposal, str, datetime], Awaitable[str]]
    """Opens the issue for this task unless it is there; returns its address."""
    now: Callable[[], datetime]
    enter: Callable[[str], Awaitable[None]]
    """Called with each stage as it begins."""
    progress: Callable[[str], Awaitable[None]]
    heard: Callable[[], list[str]] = field(default=list)
    """What people said since it was last called, as quotes."""


Graph = CompiledStateGraph[State, Outside, State, State]


def build_graph(checkpoints: BaseCheckpointSaver[Any]) -> Graph:
    """The graph, ready to run with `context=Outside(…)`."""
    graph = StateGraph(State, context_schema=Outside)
    graph.add_node("start", _start)
    graph.add_node("read", _read)
    graph.add_node("think", _think)
    graph.add_node("act", _act)
    graph.add_edge(START, "start")
    graph.add_edge("start", "read")
    graph.add_conditional_edges("read", _after_read, ["read", "think"])
    graph.add_edge("think", "act")
    graph.add_edge("act", END)
    return graph.compile(checkpointer=checkpoints)


async def _start(state: State, runtime: Runtime[Outside]) -> Update:
    await runtime.context.enter("Start")
    return {"rounds": 0}


async def _read(state: State, runtime: Runtime[Outside]) -> Update:
    """One round: the model asks for tools, and they are called."""
    outside = runtime.context
    await outside.enter("Read")
    new: list[AnyMessage] = _heard(outside)
    reply = await _ask(outside.model, [*state["messages"], *new], outside.read_tools.specs)
    new.append(reply)
    for number, call in enumerate(reply.tool_calls):
        if number < MAX_CALLS_A_ROUND:
            await outside.progress(_headline(call["name"], call["args"]))
            text, status = await _call(outside.read_tools, call["name"], call["args"])
        else:
            text, status = "Not called: too many calls at once.", "error"
        new.append(ToolMessage(text, name=call["name"], tool_call_id=call["id"] or "", status=status))
    return {"messages": new, "rounds": state.get("rounds", 0) + 1}


def _after_read(state: State) -> Literal["read", "think"]:
    last = state["messages"][-1]
    return "read" if isinstance(last, ToolMessage) and state.get("rounds", 0) < MAX_ROUNDS else "think"


async def _think(state: State, runtime: Runtime[Outside]) -> Update:
    """An answer, and perhaps a proposal."""
    outside = runtime.context
    await outside.enter("Think")
    may_propose = state["may_propose"]
    new: list[AnyMessage] = [*_heard(outside), HumanMessage(THINK_AND_PROPOSE if may_propose else THINK)]
    reply = await _ask(outside.model, [*state["messages"], *new], [as_tool()] if may_propose else [])
    update: Update = {"messages": [*new, reply], "answer": str(reply.text).strip()}
    wanted = next((call for call in reply.tool_calls if may_propose and call["name"] == TOOL_NAME), None)
    if wanted is not None:
        try:
            proposal = Proposal.model_validate(wanted["args"])
        except ValidationError as error:
            problem = error.errors()[0]
            update["answer"] = f"{reply.text}\n(I wanted to propose an issue, but it was not usable: {problem['msg']}.)"
        else:
            update["proposal"] = proposal.model_dump()
            update["proposed_at"] = outside.now().isoformat()
            update["answer"] = proposal.summary or update["answer"]
    return update


async def _act(state: State, runtime: Runtime[Outside]) -> Update:
    """Nothing before `interrupt` has an effect: this runs from its top again when the decision is there."""
    await runtime.context.enter("Act")
    answer = state.get("answer") or "I have nothing to report."
    if "proposal" not in state:
        return {"result": answer}
    decision: Decision = interrupt(state["proposal"])
    proposal = Proposal.model_validate(state["proposal"])
    match decision:
        case "approved":
            written = runtime.context.write(
                proposal, state["task_id"], datetime.fromisoformat(state.get("proposed_at", ""))
            )
            ending = f"As approved, I opened an issue: {await written}"
        case "denied":
            ending = "The issue was not approved, so I did not open it."
        case "expired":
            ending = "Nobody decided in time whether to open the issue, so I did not open it."
    return {"result": f"{answer}\n\n{ending}"}


async def _ask(model: BaseChatModel, messages: list[AnyMessage], tools: list[dict[str, Any]]) -> AIMessage:
    # Names and figures only: what was said is Langfuse's to show, behind its own access.
    with tracer.start_as_current_span("model.call") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.request.model", str(getattr(model, "model_name", model.__class__.__name__)))
        reply = await (model.bind_tools(tools) if tools else model).ainvoke(messages)
        if reply.usage_metadata is not None:
            span.set_attribute("gen_ai.usage.input_tokens", reply.usage_metadata["input_tokens"])
            span.set_attribute("gen_ai.usage.output_tokens", reply.usage_metadata["output_tokens"])
        return reply


async def _call(tools: ReadTools, name: str, arguments: dict[str, Any]) -> tuple[str, Literal["success", "error"]]:
    try:
        return await tools.call(name, arguments), "success"
    except ToolFailed as failure:
        return str(failure), "error"


def _heard(outside: Outside) -> list[AnyMessage]:
    lines = outside.heard()
    return [quoted(lines)] if lines else []


def _headline(name: str, arguments: dict[str, Any]) -> str:
    where = f"{arguments.get('owner', '?')}/{arguments.get('repo', '?')}"
    return f"{name.replace('_', ' ')} in {where} {arguments.get('path', '')}".strip()
