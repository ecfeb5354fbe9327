"""The one table from what Slack answered to what the worker should do. Pure.

Sources: the error lists of docs.slack.dev/reference/methods (chat.postMessage, chat.update, conversations.*)
and docs.slack.dev/apis/web-api/rate-limits. Nearly all errors come as HTTP 200 with `ok: false`.
"""

from collections.abc import Mapping, Sequence

from nexus.pipeline.errors import Deferred, PipelineError, Rejected, Retryable, Unsure

_DEFAULT_RETRY_AFTER_SECONDS = 30.0
_MAX_RETRY_AFTER_SECONDS = 3600.0

_RATE_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})

# "It's possible some aspect of the operation succeeded before the error was raised." The two about duplicates
# mean that Slack believes to have seen the message before.
_PERHAPS_DONE = frozenset({
    "fatal_error", "internal_error", "request_timeout", "service_unavailable", "update_failed",
    "duplicate_message_not_found", "duplicate_channel_not_found",
})  # fmt: skip

_NOT_NOW = frozenset({"team_added_to_org", "org_login_required", "external_channel_migrating"})

_NEW_TOKEN = "Reinstall the Slack app in the workspace and enter the new bot token in Settings."  # noqa: S105 - a sentence
_OUR_BUG = "This is a fault of Oblivion: please report it with the text of this message."

_WHAT_TO_DO: Mapping[str, str] = {
    "channel_not_found": "Slack knows no such channel, or it is private and the app is not in it. Invite the"
    " app with /invite, or link another channel.",
    "not_in_channel": "The app is not in the channel. Invite it with /invite.",
    "is_archived": "The channel is archived. Unarchive it in Slack, or link another channel.",
    "is_inactive": "The channel is archived or frozen. Unarchive it in Slack, or link another channel.",
    "invalid_auth": f"Slack does not accept the token. {_NEW_TOKEN}",
    "not_authed": f"No token was sent to Slack. {_NEW_TOKEN}",
    "token_revoked": f"The token was revoked, or the app was removed. {_NEW_TOKEN}",
    "token_expired": f"The token has expired. {_NEW_TOKEN}",
    "account_inactive": f"The app's user or its workspace was deactivated. {_NEW_TOKEN}",
    "not_allowed_token_type": "This is the wrong kind of token. Enter the bot token, which begins with xoxb-,"
    " and for Socket Mode the app-level token, which begins with xapp-.",
    "missing_scope": "The app lacks a permission. Add it in the app's settings under OAuth & Permissions,"
    " then reinstall the app.",
    "no_permission": "The token has not the permission for this. Make sure that the app is in the channel.",
    "access_denied": "Slack denies access. Ask an administrator of the workspace to allow the app.",
    "team_access_not_granted": "The organisation did not grant the app access to this workspace. Ask an"
    " administrator to approve it.",
    "app_access_restricted": "The workspace restricts the app. Ask an administrator to approve it.",
    "accesslimited": "The workspace allows no access from this network. Ask an administrator to change that.",
    "ekm_access_denied": "Administrators have suspended posting in this channel. Ask them to allow it.",
    "two_factor_setup_required": "The account behind the token must set up two-factor authentication.",
    "restricted_action": "A preference of the workspace keeps the app from posting here. Ask an administrator"
    " to allow it, or link another channel.",
    "restricted_action_read_only_channel": "The channel is read-only. Let the app post, or link another.",
    "restricted_action_thread_only_channel": "The channel takes replies in threads only. Link another.",
    "restricted_action_non_threadable_channel": "The channel allows no threads. Link another channel.",
    "restricted_action_thread_locked": "An administrator locked the thread. Unlock it, then replay.",
    "cannot_reply_to_message": "This message cannot have replies.",
    "thread_not_found": "The thread is gone: somebody deleted its first message.",
    "message_not_found": "The message is gone: somebody deleted it.",
    "cant_update_message": "Another app wrote this message, and only that app can change it.",
    "edit_window_closed": "The workspace allows no edits so late. Ask an administrator to allow them.",
    "user_not_found": "Slack knows no such person.",
    "user_not_visible": "The app may not see this person.",
    "method_not_supported_for_channel_type": "The app can join public channels only. Invite it with /invite.",
    "msg_too_long": f"The text is too long for Slack. {_OUR_BUG}",
    "msg_blocks_too_long": f"The blocks are too long for Slack. {_OUR_BUG}",
    "invalid_blocks": f"Slack does not accept the blocks. {_OUR_BUG}",
    "invalid_blocks_format": f"Slack cannot read the blocks. {_OUR_BUG}",
    "no_text": f"The message has no text. {_OUR_BUG}",
    "metadata_too_large": f"The metadata is too large for Slack. {_OUR_BUG}",
}


class Refused(Rejected):
    """Slack said no, for good; `error` is its code."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(reason)
        self.error = error


def refusal(
    method: str,
    error: str,
    *,
    needed: str = "",
    details: Sequence[str] = (),
    retry_after: str = "",
    write: bool,
) -> PipelineError:
    """What `ok: false` means. `needed` and `details` are Slack's own, `retry_after` is the header's text."""
    if error in _RATE_LIMITED:
        return too_fast(method, retry_after)
    if error in _PERHAPS_DONE:
        return no_answer(method, f"Slack answered {error}", write=write)
    if error in _NOT_NOW:
        return Retryable(f"Slack cannot do {method} at the moment: {error}.")
    words = f"{_WHAT_TO_DO.get(error, '')} (Slack refused {method}: {error})".strip()
    if error not in _WHAT_TO_DO:
        words = f"Slack refused {method}: {error}"
    if needed:
        words += f" It needs: {needed[:200]}."
    if details:
        words += f" {' '.join(details)[:500]}"
    return Refused(words, error)


def too_fast(method: str, retry_after: str) -> Deferred:
    """HTTP 429, or its error codes: wait as long as the header `Retry-After` says, in seconds."""
    given = retry_after.isascii() and retry_after.isdigit()
    seconds = float(retry_after) if given else _DEFAULT_RETRY_AFTER_SECONDS
    return Deferred(
        f"Slack asked to wait before the next {method}.",
        after_seconds=min(max(seconds, 1.0), _MAX_RETRY_AFTER_SECONDS),
    )


def no_answer(method: str, why: str, *, write: bool) -> PipelineError:
    """Nobody knows whether it happened: to read again is safe, to write again is not."""
    return Unsure(f"{why} to {method}.") if write else Retryable(f"{why} to {method}.")
