"""The parts inside blocks: text objects, buttons and other elements, with a json-pointer for each mistake."""

from typing import Any

from oblivion_sandbox.jsontypes import JsonObject, as_list, as_object, as_objects

BUTTON_KEYS = {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
SELECT_TYPES = (
    "static_select",
    "multi_static_select",
    "users_select",
    "multi_users_select",
    "conversations_select",
    "multi_conversations_select",
    "channels_select",
    "multi_channels_select",
    "external_select",
    "multi_external_select",
    "overflow",
    "radio_buttons",
    "checkboxes",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "workflow_button",
    "plain_text_input",
)
MAX_OPTIONS = {"overflow": 5, "radio_buttons": 10, "checkboxes": 10}


class Checker:
    """Collects mistakes; every method takes the json-pointer of what it looks at."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def error(self, text: str, at: str) -> None:
        """Note a mistake."""
        self.errors.append(f"{text} [json-pointer:{at}]")

    def missing(self, name: str, at: str) -> None:
        """Note a field that must be there."""
        self.error(f"missing required field: {name}", at)

    def array(self, value: object, at: str, minimum: int, maximum: int) -> list[Any]:
        """An array of a certain size."""
        entries = as_list(value)
        if entries is None:
            self.error("must be an array", at)
            return []
        if len(entries) > maximum:
            self.error(f"no more than {maximum} items allowed", at)
        if len(entries) < minimum:
            self.error(f"no fewer than {minimum} items allowed", at)
        return entries

    def string(self, value: object, at: str, maximum: int) -> None:
        """A string of 1 to `maximum` characters."""
        if not isinstance(value, str):
            self.error("must be a string", at)
        elif not value:
            self.error("must be more than 0 characters", at)
        elif len(value) > maximum:
            self.error(f"must be less than {maximum + 1} characters", at)

    def optional_string(self, document: JsonObject, name: str, at: str, maximum: int) -> None:
        """A string of up to `maximum` characters that may be absent or empty."""
        value = document.get(name, "")
        if value != "":
            self.string(value, f"{at}/{name}", maximum)

    def text_object(self, value: object, at: str, maximum: int, *, plain_only: bool = False) -> None:
        """`{"type": "plain_text" | "mrkdwn", "text": …}`."""
        document = as_object(value)
        if document is None:
            self.missing(at.rsplit("/", 1)[1], at.rsplit("/", 1)[0])
            return
        kind = document.get("type")
        if kind not in (("plain_text",) if plain_only else ("plain_text", "mrkdwn")):
            self.error(f"unsupported type: {kind}", f"{at}/type")
            return
        extra = {"emoji"} if kind == "plain_text" else {"verbatim"}
        for key in sorted(document.keys() - {"type", "text"} - extra):
            self.error(f"invalid additional property: {key}", at)
        self.string(document.get("text"), f"{at}/text", maximum)

    def image(self, value: object, at: str) -> None:
        """An image block or element."""
        document = as_object(value) or {}
        if "slack_file" not in document:
            self.string(document.get("image_url"), f"{at}/image_url", 3000)
        self.string(document.get("alt_text"), f"{at}/alt_text", 2000)

    def element(self, value: object, at: str) -> None:
        """An interactive element, or an image as an accessory."""
        document = as_object(value)
        kind = None if document is None else document.get("type")
        if document is None or not isinstance(kind, str):
            self.missing("type", at)
        elif kind == "button":
            self.button(document, at)
        elif kind == "image":
            self.image(document, at)
        elif kind in SELECT_TYPES:
            self.optional_string(document, "action_id", at, 255)
            if "options" in document:
                self.options(document, at, MAX_OPTIONS.get(kind, 100))
        else:
            self.error(f"unsupported type: {kind}", f"{at}/type")

    def button(self, button: JsonObject, at: str) -> None:
        """A button."""
        for key in sorted(button.keys() - BUTTON_KEYS):
            self.error(f"invalid additional property: {key}", at)
        self.text_object(button.get("text"), f"{at}/text", 75, plain_only=True)
        self.optional_string(button, "action_id", at, 255)
        self.optional_string(button, "value", at, 2000)
        self.optional_string(button, "url", at, 3000)
        if button.get("style") not in (None, "primary", "danger"):
            self.error(f"unsupported value: {button['style']}", f"{at}/style")
        confirm = button.get("confirm")
        if confirm is not None:
            self.confirm(as_object(confirm) or {}, f"{at}/confirm")

    def confirm(self, dialog: JsonObject, at: str) -> None:
        """A confirmation dialog: all four texts, short."""
        self.text_object(dialog.get("title"), f"{at}/title", 100, plain_only=True)
        self.text_object(dialog.get("text"), f"{at}/text", 300)
        self.text_object(dialog.get("confirm"), f"{at}/confirm", 30, plain_only=True)
        self.text_object(dialog.get("deny"), f"{at}/deny", 30, plain_only=True)

    def options(self, element: JsonObject, at: str, maximum: int) -> None:
        """The options of a menu."""
        self.array(element["options"], f"{at}/options", 1, maximum)
        for index, option in enumerate(as_objects(element["options"])):
            self.text_object(option.get("text"), f"{at}/options/{index}/text", 75)
            self.string(option.get("value"), f"{at}/options/{index}/value", 150)
