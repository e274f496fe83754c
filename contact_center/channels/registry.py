"""The kinds of channel there are: every folder beside this file whose `connector.py` defines `KIND`."""

import functools
import importlib
import importlib.util
import pkgutil

from contact_center import channels
from contact_center.channels.base import ChannelKind
from contact_center.errors import NotFound


@functools.cache
def kinds() -> dict[str, ChannelKind]:
    """All kinds by name."""
    found = {}
    for module in pkgutil.iter_modules(channels.__path__):
        name = f"contact_center.channels.{module.name}.connector"
        if module.ispkg and not module.name.startswith("_") and importlib.util.find_spec(name) is not None:
            kind: ChannelKind = importlib.import_module(name).KIND
            found[kind.name] = kind
    return found


def find(name: str) -> ChannelKind:
    """The kind of this name. Raises NotFound."""
    try:
        return kinds()[name]
    except KeyError:
        raise NotFound(f"There is no channel of the kind {name}.") from None
