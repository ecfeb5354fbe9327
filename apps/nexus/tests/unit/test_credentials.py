"""Credentials are found in what agents say, however they are wrapped; hashes, ids, code and prose are left alone."""

import base64
import random
import secrets
import subprocess
import time
from pathlib import Path

import pytest

from nexus.kit.credentials import KINDS, without_credentials

ROOT = Path(__file__).parents[4]
# Put together here, so that scanners of secrets do not take them for real ones.
BODY = "T0ken9aBcDeFgHiJkLmNoPqRsTuVwXyZ012345"
PEM = "-----BEGIN " + "PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n" * 2
CREDENTIALS = {
    "slack_token": "xoxb-" + "1234567890-1234567890-" + BODY,
    "slack_webhook": "https://hooks.slack" + ".com/services/T0001/B0001/abcdef",
    "clickup_token": "pk_" + "12345678_ABCDEFGHIJKLMNOP1234567890ABCDEF",
    "oblivion_secret": "obl_sk_" + BODY,
    "github_token": "ghp_" + BODY,
    "gitlab_token": "glpat-" + BODY,
    "model_key": "sk-ant-api03-" + BODY,
    "stripe_key": "sk_live_" + BODY,
    "aws_key": "AKIA" + "ABCDEFGHIJ234567",
    "google_key": "AIza" + BODY,
    "registry_token": "npm_" + BODY,
    "mail_key": "SG." + BODY + "." + BODY,
    "bot_token": "123456789:AA" + BODY,
    "json_web_token": "eyJ" + "hbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0." + BODY,
    "private_key": PEM + "-----END " + "PRIVATE KEY-----",
    "address_password": "postgres://dana:hunter22@db:5432/x",
    "authorization": "Bearer " + "mF9.B5f-4.1JqMabcd77",
    "assigned": "AWS_SECRET_ACCESS_KEY=" + "wJalrXUtnFEMIK7MDENGbPxRfiCYzz",
}
KNOWN = "s1gning-Secret/of+acme"

HARMLESS = [
    "Fixed in 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b, see commit 0a1b2c3",
    "task 0199f0aa-7d1e-7c1a-9f64-2f6b8a1d0001 of 5f0c7f0e-2c43-4c6e-9a27-0d4b8f7a1c22",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    'integrity "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="',
    "ETag: W/\"67ab43-1a2b3c4d5e6f\", X-Request-Id: 01J9ZQ4M0W6E1G8M2H5K7Q3V9B",
    "Set password: required, minLength: 12, and token = next_page_token_2",
    "api_key = settings.openai_api_key_2 or os.environ['OPENAI_API_KEY_2']",
    "password = get_password_from_vault_v2(user)",
    "postgres://user:password@host/db, redis://:$REDIS_PASSWORD@cache, https://<user>:<password>@host",
    "AKIA" + "IOSFODNN7EXAMPLE is the example of the documentation; so is xoxb-your-token-1",
    "Use `Authorization: Bearer <token>` or Bearer $OBLIVION_TOKEN; the bearer of this ticket waits",
    "sk-learn-style-estimators-and-friends, task-1234567890-abcdef, desk-2024-01-02-report-of-the-week",
    "class sk-estimator-doc-link-2 sk-top-container-id-17",
    "secret: 11111111-2222-3333-4444-555555555555",
    "token_sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'",
    "the public key: -----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----",
    "pk_live_ keys are public, sk_live_ ones are not; ghp_ begins a token of GitHub",
    "password: ************ api_key: xxxxxxxxxxxx1234",
    "http://127.0.0.1:8000/livez and ssh://git@forge.example:22/acme/shop.git",
    "eyJ is how a JSON Web Token begins",
]  # fmt: skip


def test_there_is_an_example_of_every_kind() -> None:
    assert {*CREDENTIALS, "known"} == set(KINDS)


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_a_credential_is_removed_wherever_it_stands_and_the_words_around_it_stay(kind: str) -> None:
    secret = CREDENTIALS[kind]
    for template in (
        "{}",
        "I found {} in the logs.",
        '"{}"',
        "`{}`",
        "<{}>",
        "({})",
        "key:\n{}\nend",
        "x={}",
        "{}, {}",
    ):
        text, kinds = without_credentials(template.replace("{}", secret))
        assert kinds == [kind] * template.count("{}")
        assert "[secret removed: " in text
        assert secret not in text and BODY[:12] not in text and "MIIEvQ" not in text and "hunter22" not in text
        if kind not in ("private_key", "slack_webhook"):
            assert without_credentials(text) == (text, [])


@pytest.mark.parametrize("hidden", ["\u200b", "\u2060", "\u00ad", "\ufeff", "\U000e0041", "\u202e", "\x00"])
def test_characters_that_nobody_sees_do_not_hide_a_credential(hidden: str) -> None:
    secret = CREDENTIALS["github_token"]
    text, kinds = without_credentials("here: " + hidden.join(secret))
    assert (text, kinds) == ("here: [secret removed: GitHub token]", ["github_token"])


@pytest.mark.parametrize(
    "told",
    [
        KNOWN, KNOWN[::-1], base64.b64encode(KNOWN.encode()).decode(), KNOWN.encode().hex(), " ".join(KNOWN),
        "-".join(KNOWN), "\u200b".join(KNOWN), KNOWN.replace("/", "%2F").replace("+", "%2B"),
    ],
)  # fmt: skip
def test_a_secret_that_oblivion_holds_is_removed_whatever_it_looks_like(told: str) -> None:
    text, kinds = without_credentials(f"It is {told}!", [KNOWN, "short"])
    assert (text, kinds) == ("It is [secret removed: credential of Oblivion]!", ["known"])


def test_a_short_setting_is_not_looked_for_in_words() -> None:
    assert without_credentials("acme is fine", ["acme"]) == ("acme is fine", [])


@pytest.mark.parametrize("text", HARMLESS)
def test_hashes_ids_examples_and_code_are_left_as_they_are(text: str) -> None:
    assert without_credentials(text) == (text, [])


def test_random_hashes_ids_and_pictures_are_left_as_they_are() -> None:
    dice = random.Random(7)
    for _ in range(300):
        raw = dice.randbytes(dice.choice((16, 20, 32, 64)))
        for text in (raw.hex(), f"sha256-{base64.b64encode(raw).decode()}", base64.urlsafe_b64encode(raw).decode()):
            assert without_credentials(f"see {text} for more") == (f"see {text} for more", [])
    picture = "data:image/png;base64," + base64.b64encode(dice.randbytes(60_000)).decode()
    assert without_credentials(picture) == (picture, [])


def test_the_words_and_the_code_of_this_repository_hold_none() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    found: dict[str, list[str]] = {}
    size = 0
    for name in listed:
        path = ROOT / name
        # Tests and the sandbox hold credentials on purpose, made to look like real ones.
        if "test" in name or "sandbox" in name or path.suffix in (".png", ".bundle", "") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")[:200_000]
        size += len(text)
        kinds = without_credentials(text)[1]
        if kinds:
            found[name] = kinds
    assert size > 1_000_000
    assert found == {}


@pytest.mark.parametrize(
    "piece",
    [
        "sk-",
        "password=",
        "bearer ",
        "eyJaaaaaaaaa-",
        "a-",
        "xoxb-",
        "://a:b",
        "api_key",
        "-----BEGIN PRIVATE KEY-----",
        "1",
    ],
)
def test_a_text_made_to_be_slow_takes_no_time(piece: str) -> None:
    text = piece * (64_000 // len(piece))
    started = time.process_time()
    without_credentials(text, [secrets.token_hex(16) for _ in range(10)])
    assert time.process_time() - started < 1
