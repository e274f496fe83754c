"""The shape of the house: sizes and manners that a linter does not know."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "contact_center"
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if "node_modules" not in path.parts and "versions" not in path.parts]
CONSOLE = [
    path for path in sorted((PACKAGE / "agent_ui/src").rglob("*")) if path.suffix in (".ts", ".vue") and "contract" not in path.parts
]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_opens_with_what_it_is_for(path: Path) -> None:
    """Every module begins with a sentence, is at most 500 lines, and no function is longer than 80."""
    tree = ast.parse(path.read_text())

    assert ast.get_docstring(tree) or not tree.body
    assert len(path.read_text().splitlines()) <= 500
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 80, node.name


@pytest.mark.parametrize("path", CONSOLE, ids=name)
def test_a_file_of_the_console_is_one_thing(path: Path) -> None:
    """TypeScript and Vue files are at most 300 lines, never write markup from data, and features do not import features."""
    text = path.read_text()

    assert len(text.splitlines()) <= 300
    assert "v-html" not in text
    assert "innerHTML" not in text


def test_only_tasks_makes_tasks() -> None:
    """Background tasks are named, held and supervised: nothing but `tasks.py` creates one."""
    makers = [name(path) for path in SOURCES if "create_task(" in path.read_text()]

    assert makers == ["contact_center/tasks.py"]


def test_one_place_fetches_and_one_has_the_socket() -> None:
    """The console asks over HTTP in `api/client.ts` and listens in `live/line.ts`, and nowhere else."""
    fetching = [name(p) for p in CONSOLE if re.search(r"\bfetch\(|createClient\(", p.read_text())]
    listening = [name(p) for p in CONSOLE if "socket.io-client" in p.read_text()]

    assert fetching == ["contact_center/agent_ui/src/api/client.ts"]
    assert listening == ["contact_center/agent_ui/src/live/line.ts"]


def test_locks_name_no_registry() -> None:
    """Lock files hold hashes, never the address they came from."""
    for lock in [*(ROOT / "requirements").glob("*.txt"), PACKAGE / "agent_ui/package-lock.json"]:
        text = lock.read_text()
        assert "index-url" not in text
        assert '"resolved"' not in text
