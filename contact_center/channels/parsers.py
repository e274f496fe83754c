"""The pure half of each channel: `<channel>/parse.py`, from bytes to meaning.

Found apart from the connectors, because parser processes load this and nothing of the network, the database or the web.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from contact_center import channels
from contact_center.errors import NotFound
from contact_center.model.messages import InboundMessage


class Parser(Protocol):
    """What a channel's `parse.py` defines."""

    def parse(self, content: bytes, envelope: dict[str, Any]) -> InboundMessage:
        """A raw item's bytes and envelope to what happened. Pure: a replay uses it too. Raises QuarantineItem."""
        ...


class LargeParser(Parser, Protocol):
    """The same, for a channel whose originals may be too large to hold in memory."""

    def parse_large(self, path: str, folder: str, envelope: dict[str, Any]) -> InboundMessage:
        """An original in a file: its path, a folder for large parts, the envelope."""
        ...


class CombiningParser(Parser, Protocol):
    """The same, for a channel that tells of one happening in several items (a call and its legs)."""

    def combine(self, parts: Sequence[dict[str, Any]]) -> InboundMessage:
        """One meaning of what several items said: `headers` of each message, in any order, some of them twice."""
        ...


def find(kind: str) -> Parser:
    """The parser of a kind of channel. Raises NotFound."""
    folders = [Path(folder) / kind for folder in channels.__path__]
    if not kind.isidentifier() or kind.startswith("_") or not any((folder / "parse.py").is_file() for folder in folders):
        raise NotFound(f"There is no channel of the kind {kind}.")
    return cast(Parser, importlib.import_module(f"contact_center.channels.{kind}.parse"))
