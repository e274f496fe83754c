"""The only room that knows SQL. Everything above calls repositories with a `Connection` it cannot look into.

A unit of work is a plain function `fn(connection, ...)`. `store.write(fn, ...)` runs it in one transaction and rings
the doorbell after the commit; `store.read(fn, ...)` runs it in a read transaction. Units do no I/O of their own and
may run more than once (a lost race is repeated), so they must not touch anything but the connection.
"""

from contact_center.store.engine import Lane, Store, open_store
from contact_center.store.prepared import Row
from contact_center.store.types import dump_json

__all__ = ["Connection", "Lane", "Row", "Store", "dump_json", "open_store"]

from sqlalchemy.engine import Connection
