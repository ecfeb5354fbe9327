"""Settings say what is wrong, secrets come as files, and masks hide what they should and nothing else."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from oblivion import ConfigurationError
from oblivion_reference_agent.masking import Masker, MaskingFormatter
from oblivion_reference_agent.settings import read_settings


def test_an_empty_environment_is_enough() -> None:
    settings = read_settings({})
    assert settings.offline
    assert settings.github_token == ""
    assert settings.github_api_url == "https://api.github.com"
    assert "--read-only" in settings.github_mcp_command


def test_every_secret_may_come_as_a_file(tmp_path: Path) -> None:
    names = ("GITHUB_TOKEN", "OPENAI_API_KEY", "LANGFUSE_SECRET_KEY", "AGENT_SECRET")
    environ: dict[str, str] = {}
    for name in names:
        (tmp_path / name).write_text(f"value-of-{name}\n")
        environ[f"{name}_FILE"] = str(tmp_path / name)
    assert set(read_settings(environ).secrets) == {f"value-of-{name}" for name in names}


def test_github_enterprise_has_its_api_below_its_host() -> None:
    assert read_settings({"GITHUB_HOST": "https://ghe.example/"}).github_api_url == "https://ghe.example/api/v3"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_HOST", "github.example"),
        ("OPENAI_BASE_URL", "localhost:11434"),
        ("OBLIVION_GITHUB_MCP_CMD", 'server "unended'),
        ("APPROVAL_TIMEOUT_SECONDS", "soon"),
        ("APPROVAL_TIMEOUT_SECONDS", "0"),
        ("OBLIVION_CONCURRENCY", "none"),
        ("GITHUB_TOKEN_FILE", "/does/not/exist"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        read_settings({name: value})


def test_the_settings_show_no_secret() -> None:
    secrets = {
        "GITHUB_TOKEN": "token-value", "OPENAI_API_KEY": "model-value", "LANGFUSE_SECRET_KEY": "fuse-value",
        "AGENT_SECRET": "agent-value", "OBLIVION_CHECKPOINTS": "postgresql://me:database-value@db/x",
    }  # fmt: skip
    shown = repr(read_settings(secrets))
    assert not [value for value in ("token", "model", "fuse", "agent", "database") if f"{value}-value" in shown]
    assert "database-value" in read_settings(secrets).secrets


@pytest.mark.parametrize(
    "text",
    [
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "github_pat_11ABCDEFG0abcdefghijklmnop", "obl_sk_abcdefgh12345678",
        "sk-proj-abcdefghijklmnop", "xoxb-1234567890-abcdef", "my own secret",
    ],
)  # fmt: skip
def test_a_secret_is_masked_wherever_it_stands(text: str) -> None:
    masker = Masker(["my own secret"])
    assert text not in masker.text(f"<{text}> and {text}")
    assert masker.any({"a": [text, (text, 1)]}) == {"a": ["[redacted]", ("[redacted]", 1)]}


def test_ordinary_words_are_left_as_they_are() -> None:
    text = "The basic export (issue 401) is at https://github.com/acme/shop; ask-me about task-1"
    assert Masker(["", "short"]).text(text) == text


def test_a_traceback_in_the_log_is_masked_too() -> None:
    try:
        raise ValueError("postgresql://me:hunter22@db/x refused token-value")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed %s", ("token-value",), sys.exc_info())
    line = MaskingFormatter(Masker(["token-value"])).format(record)
    assert "Traceback" in line
    assert "hunter22" not in line
    assert "token-value" not in line


def test_a_wrong_setting_ends_the_process_with_78() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "oblivion_reference_agent"], env={"GITHUB_HOST": "nowhere"}, capture_output=True,
        text=True, timeout=50,
    )  # fmt: skip
    assert ended.returncode == 78
    assert "GITHUB_HOST is no address" in ended.stderr
