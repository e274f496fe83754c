"""What is promised is documented: settings, commands, events, channel options; and the console's typed API is fresh."""

import ast
import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.main import get_command

from contact_center.api.framework import to_json
from contact_center.api.openapi import document
from contact_center.api.routes import ROUTES
from contact_center.channels import registry
from contact_center.cli import app
from contact_center.config import Settings
from contact_center.model.audit import Action
from contact_center.model.events import CATALOGUE

ROOT = Path(__file__).parents[1]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def setting_names(section: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    names = []
    for name, field in section.model_fields.items():
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            names += setting_names(nested, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names


@pytest.mark.parametrize("name", setting_names())
def test_every_setting_is_documented(name: str) -> None:
    """A setting stands in the configuration page with a meaning."""
    assert re.search(rf"^\| `{re.escape(name)}` \| [^|]* \| \S", page("operate/configuration.md"), re.M)


def test_every_command_is_documented() -> None:
    """A command stands in the page of the command line, and says by itself what it does, with an example."""
    undocumented = []

    def walk(command: object, path: str) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            if getattr(inner, "commands", None):
                walk(inner, f"{path} {name}")
            elif f"`{path} {name}" not in page("operate/cli.md") or "Example:" not in (inner.help or ""):
                undocumented.append(f"{path} {name}")

    walk(get_command(app), "contact-center")

    assert undocumented == []


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_event_is_documented(name: str) -> None:
    """An event of the catalogue stands in the page of events."""
    assert f"| `{name}` |" in page("events.md")


def test_every_channel_option_is_documented() -> None:
    """An option of a channel stands in the how-to of that channel."""
    pages = {"email": "howto/mailbox.md", "web_form": "howto/web-form.md"}
    missing = [
        f"{kind.name}: {name}"
        for kind in registry.kinds().values()
        for name in kind.options.model_fields
        if f"`{name}`" not in page(pages.get(kind.name, f"howto/{kind.name}.md"))
    ]

    assert missing == []


def test_every_channel_option_is_in_russian() -> None:
    """Options speak English themselves; the console's Russian list names each of them, and nothing that is gone."""
    source = (ROOT / "contact_center/agent_ui/src/i18n/options.ru.ts").read_text()
    for kind in registry.kinds().values():
        block = source.partition(f"  {kind.name}: {{")[2].partition("\n  },")[0]
        assert re.findall(r"^    (\w+): \[", block, re.M) == ["address", *kind.options.model_fields]


def test_every_trouble_of_a_channel_is_in_russian() -> None:
    """What a connector says of its trouble stands in the console's Russian list, each value in its place."""
    source = (ROOT / "contact_center/agent_ui/src/i18n/troubles.ru.ts").read_text()
    listed = dict(re.findall(r'^  \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\],$', source, re.M))
    files = [
        *(ROOT / "contact_center/channels").rglob("*.py"),
        *(ROOT / "contact_center/outbound").glob("*.py"),
        *(ROOT / "contact_center/intake").glob("*.py"),
        ROOT / "contact_center/oauth.py",
    ]
    said = {words: file.name for file in files if "_template" not in file.parts for words in _troubles(file)}

    assert {words: name for words, name in said.items() if words not in listed} == {}
    assert [words for words, russian in listed.items() if words.count("{}") != russian.count("{}")] == []
    assert len(said) > 50


def _troubles(file: Path) -> list[str]:
    """The sentences with which a file raises or makes a channel's errors; {} where a value stands."""
    kinds = {"ChannelUnavailable", "ChannelAuthFailed", "ChannelMisconfigured", "Undeliverable", "DeliveryUnknown", "QuarantineItem"}
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call) and getattr(node.func, "id", "") in kinds]
    found = []
    for words in (call.args[0] for call in calls if call.args):
        if isinstance(words, ast.Constant):
            found.append(str(words.value))
        elif isinstance(words, ast.JoinedStr):
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in words.values))
    return found


def test_the_consoles_contract_is_fresh() -> None:
    """The checked-in OpenAPI document, from which the console's types are made, is the code's own; else: make contract."""
    stored = json.loads((ROOT / "contact_center/agent_ui/src/contract/openapi.json").read_text())

    assert json.loads(to_json(document(ROUTES))) == stored


def test_the_consoles_types_name_every_path() -> None:
    """The generated types were made from that document."""
    types = (ROOT / "contact_center/agent_ui/src/contract/api.d.ts").read_text()

    assert [route.path for route in ROUTES if f'"{route.path}"' not in types] == []


def test_links_lead_somewhere() -> None:
    """A relative link in README and docs names a file that is there."""
    broken = []
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#\s]+)", file.read_text()):
            if not target.startswith(("http:", "https:")) and not (file.parent / target).exists():
                broken.append(f"{file.relative_to(ROOT)}: {target}")

    assert broken == []


def test_both_languages_say_everything() -> None:
    """English and Russian have the same keys, so that nobody meets the other language by accident."""
    keys = {}
    for language in ("en", "ru"):
        text = (ROOT / f"contact_center/agent_ui/src/i18n/{language}.ts").read_text()
        keys[language] = re.findall(r"[{,]\s*(\w+):", re.sub(r'"(?:[^"\\]|\\.)*"', '""', text))

    assert keys["en"] == keys["ru"]


def test_every_test_that_the_security_page_names_is_there() -> None:
    """A promise is held by a test of that very name."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page("security.md"))
    missing = [f"{file}::{name}" for file, name in named if not re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.M)]

    assert missing == []
    assert len(named) > 50


def test_every_audited_action_has_words() -> None:
    """The console names each action of the audit log in both languages, and lists it in its filter."""
    sources = {name: (ROOT / f"contact_center/agent_ui/src/{name}").read_text() for name in ("i18n/en.ts", "i18n/ru.ts")}
    tab = (ROOT / "contact_center/agent_ui/src/features/setup/AuditTab.vue").read_text()
    missing = [action for action in Action if f'"{action}"' not in tab]
    missing += [action for action in Action for text in sources.values() if f"{action.replace('.', '_')}:" not in text]

    assert missing == []
