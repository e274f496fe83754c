"""What a parser process does: originals in, meanings out. Imported there, so it loads little."""

import contextlib
import resource
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from contact_center.channels import parsers
from contact_center.errors import QuarantineItem
from contact_center.model.messages import InboundMessage

MEMORY = 3 * 1024**3  # bytes of address space a parser process may have


@dataclass(frozen=True, slots=True)
class Original:
    """A raw item's bytes, in memory or in a file."""

    kind: str
    envelope: dict[str, Any]
    content: bytes | None = None
    path: str | None = None
    folder: str = ""
    """Where large parts go; with it the original is too large to be read at once."""


Outcome = InboundMessage | QuarantineItem


def ready(kinds: Sequence[str]) -> bool:
    """Asked of a new process, so that one that cannot start is not taken for an item that kills it, and loads its parsers."""
    for kind in kinds:
        with contextlib.suppress(Exception):  # a parser that cannot be loaded fails its own items, and says why there
            parsers.find(kind)
    return True


def parse_all(originals: Sequence[Original]) -> list[Outcome]:
    """Parse each; one bad item does not fail its neighbours. Runs in a parser process."""
    return [_parse_one(original) for original in originals]


def _parse_one(original: Original) -> Outcome:
    try:
        parser = parsers.find(original.kind)
        if original.path is not None and original.folder:
            return cast(parsers.LargeParser, parser).parse_large(original.path, original.folder, original.envelope)
        content = original.content if original.path is None else Path(original.path).read_bytes()
        return parser.parse(content or b"", original.envelope)
    except QuarantineItem as error:
        return QuarantineItem(error.message)  # the parser's own words, for people
    except MemoryError:
        return QuarantineItem("The item needs more memory to understand than a parser may have.")
    except Exception as error:  # noqa: BLE001 - no exception may lose an item: it is kept and shown with its reason
        return QuarantineItem(f"The item could not be understood: {type(error).__name__}: {str(error)[:300]}")


def limit() -> None:
    """Bound this process before it meets its first original."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl C reaches every process of a terminal; this one is ended by the server
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
