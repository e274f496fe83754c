"""How long a statement may take: whoever asks for too much is told so, and holds up nobody else for longer."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from contact_center.errors import Unavailable


@contextlib.contextmanager
def bounded(connection: Connection, seconds: float, message: str) -> Iterator[None]:
    """No statement of the block runs longer. Raises Unavailable with this message when one would."""
    try:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            yield
        else:
            with _interrupted_after(connection, seconds):
                yield
    except DBAPIError as error:
        if "interrupted" in str(error.orig) or getattr(error.orig, "sqlstate", "") == "57014":
            raise Unavailable(message) from None
        raise


@contextlib.contextmanager
def _interrupted_after(connection: Connection, seconds: float) -> Iterator[None]:
    driver: Any = connection.connection.driver_connection
    deadline = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > deadline, 20_000)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
