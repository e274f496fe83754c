"""The console's words, as the console reads them."""

import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parent / "compile_words.mjs"


def test_every_message_can_be_shown() -> None:
    """A sign that means something to the compiler of messages leaves a page blank, and only when the message is first shown."""
    node = shutil.which("node", path=str(Path(__file__).parents[2] / ".venv" / "bin")) or shutil.which("node")
    assert node, "node is missing: the console's own code cannot be run"
    compiled = subprocess.run([node, "--no-warnings", str(SCRIPT)], capture_output=True, text=True, timeout=60)
    assert compiled.stdout.strip() == "ok", compiled.stdout + compiled.stderr
