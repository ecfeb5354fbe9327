"""The model: any that speaks OpenAI's protocol, or a small program that behaves like one, for demos and tests."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.tool import ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from oblivion_reference_agent.prompts import QUOTED
from oblivion_reference_agent.proposal import REPOSITORY, TOOL_NAME
from oblivion_reference_agent.settings import Settings

_NAMED = re.compile(rf"(?:https?://[^\s/\"]+/|\brepo(?:sitory)?:?\s+)({REPOSITORY.pattern})", re.IGNORECASE)
_EXCERPT_CHARS = 400


def open_model(settings: Settings) -> BaseChatModel:
    """The configured model; without a key and an address, the offline one."""
    if settings.offline:
        return OfflineModel()
    return ChatOpenAI(
        model=settings.openai_model,
        base_url=settings.openai_base_url or None,
        # Local servers want some key, and do not look at it.
        api_key=SecretStr(settings.openai_api_key or "none"),
        timeout=settings.model_timeout_seconds,
        max_retries=2,
    )


class OfflineModel(BaseChatModel):
    """Understands nothing, but calls tools and answers as a model does; the same input gives the same output."""

    @property
    def _llm_type(self) -> str:
        return "oblivion-offline"

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offers tools, as every chat model does."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        offered = {tool["function"]["name"] for tool in kwargs.get("tools", ())}
        message = _decide(messages) if TOOL_NAME in offered else _read_on(messages, offered)
        return ChatResult(generations=[ChatGeneration(message=message)])


def _read_on(messages: list[BaseMessage], offered: set[str]) -> AIMessage:
    """The next file or list that it has not asked for, else what it knows."""
    repository = _repository(messages)
    if repository is not None:
        owner, _, repo = repository.partition("/")
        wishes = (
            ("get_file_contents", {"owner": owner, "repo": repo, "path": "README.md"}),
            ("list_issues", {"owner": owner, "repo": repo, "state": "OPEN"}),
        )
        asked = {call["name"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls}
        for name, arguments in wishes:
            if name in offered and name not in asked:
                call = ToolCall(name=name, args=dict(arguments), id=f"offline-{len(asked) + 1}")
                return AIMessage("", tool_calls=[call])
    return AIMessage(_summary(messages, repository))


def _decide(messages: list[BaseMessage]) -> AIMessage:
    repository = _repository(messages)
    summary = _summary(messages, repository)
    if repository is None or "Task type: fix_bug." not in _texts(messages, HumanMessage):
        return AIMessage(summary)
    title = _quotes(messages)[0]["text"]
    arguments = {
        "repository": repository,
        "title": f"Bug: {title}"[:250],
        "body": f"Reported: {title}\n\n{summary}",
        "summary": summary,
    }
    return AIMessage(summary, tool_calls=[ToolCall(name=TOOL_NAME, args=arguments, id="offline-proposal")])


def _summary(messages: list[BaseMessage], repository: str | None) -> str:
    read = [message for message in messages if isinstance(message, ToolMessage)]
    if not read:
        where = f" {repository} is named, but I have no tool to read it." if repository else ""
        return f"No model is configured, so I can only say what I was given: {len(_quotes(messages))} texts.{where}"
    lines = [f"No model is configured, so this is what I read in {repository}, unjudged."]
    lines += [f"{message.name}: {' '.join(str(message.text).split())[:_EXCERPT_CHARS]}" for message in read]
    return "\n".join(lines)


def _repository(messages: list[BaseMessage]) -> str | None:
    """The one that the task names, else the first that the agent may read."""
    for quote in _quotes(messages):
        if found := _NAMED.search(quote["text"]):
            return found[1].removesuffix(".git").rstrip(".")
    for line in _texts(messages, SystemMessage).splitlines():
        if line.startswith("Repositories that you may read: "):
            return line.split(": ", 1)[1].split(",")[0].rstrip(".")
    return None


def _quotes(messages: list[BaseMessage]) -> list[dict[str, str]]:
    quotes = (text for text in _each(messages, HumanMessage) if text.startswith(QUOTED))
    # Not splitlines: that also splits at characters which JSON leaves as they are.
    return [json.loads(line) for text in quotes for line in text.split("\n")[1:]]


def _texts(messages: list[BaseMessage], kind: type[BaseMessage]) -> str:
    return "\n".join(_each(messages, kind))


def _each(messages: list[BaseMessage], kind: type[BaseMessage]) -> list[str]:
    return [str(message.text) for message in messages if isinstance(message, kind)]
