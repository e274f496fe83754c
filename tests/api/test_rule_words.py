"""The console's editors know the very fields, operators and actions that the server does, with words in both languages."""

import json
import re
from pathlib import Path

import pytest

from contact_center.model import actions, conditions
from contact_center.model.words import RuleOutcome, Since, Trigger, ViewSort

SOURCES = Path(__file__).parents[2] / "contact_center/agent_ui/src"
EDITOR = (SOURCES / "features/rules/rules.ts").read_text()


def section(name: str) -> str:
    """An object or list of the editor's, by name."""
    found = re.search(rf"const {name}\b[^=]*= ([\[{{].*?[\]}}]);\n", EDITOR, re.S)
    assert found is not None
    return found[1]


def test_fields_and_operators_are_the_same() -> None:
    """A field of another kind, an operator too many or too few on either side fails here."""
    fields = dict(re.findall(r'^  (\w+): \{ kind: "(\w+)"', section("FIELDS"), re.M))
    operators = {kind: re.findall(r'"(\w+)"', ops) for kind, ops in re.findall(r"^  (\w+): (\[.*\]),$", section("OPERATORS"), re.M)}
    optional = set(re.findall(r"^  (\w+): \{.*optional: true", section("FIELDS"), re.M))

    assert fields == {name: known.kind.value for name, known in conditions.FIELDS.items()}
    assert operators == {kind.value: [op.value for op in ops] for kind, ops in conditions.OPERATORS.items()}
    assert optional == {name for name, known in conditions.FIELDS.items() if known.optional}


def test_actions_and_triggers_are_the_same() -> None:
    """What can be done, and what sets a rule off."""
    assert set(json.loads(section("DOS"))) == set(actions.Do)
    assert json.loads(section("TRIGGERS")) == list(Trigger)
    assert json.loads(section("SINCE")) == list(Since)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_everything_has_words(language: str) -> None:
    """No field, operator, action, trigger, outcome or order is shown by its technical name."""
    words = (SOURCES / f"i18n/{language}.ts").read_text()
    used = [*conditions.FIELDS, *conditions.Op, *actions.Do, *Trigger, *Since, *RuleOutcome, *ViewSort]
    mine = words[words.index("  saved: {") : words.index("  error: { title")]
    assert [name for name in used if not re.search(rf"\b{name}: ", mine)] == []
