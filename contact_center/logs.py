"""Where the log goes: lines on stderr, which may be a file on a full disk. Who cannot write a line goes on working all the same."""

import sys
from typing import Literal, TextIO, cast

import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Unfailing:
    """A stream that takes every line. How many could not be written is told by the first one that could be again."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0

    def write(self, text: str) -> int:
        """Write, or count what was lost."""
        try:
            if self.lost:
                self._stream.flush()  # what it still holds from then comes first
                self._stream.write(f'{{"level": "warning", "event": "log.lines_lost", "lines": {self.lost}}}\n')
                self.lost = 0
            return self._stream.write(text)
        except OSError:
            self.lost += 1
            return len(text)

    def flush(self) -> None:
        """Write what is held, or count it as lost."""
        try:
            self._stream.flush()
        except OSError:
            self.lost += 1


def set_up(level: Literal["debug", "info", "warning", "error"]) -> None:
    """One line of JSON for each thing that is told; words for people where somebody looks."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
            if sys.stderr.isatty()
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Unfailing(sys.stderr))),
    )


def say(words: str) -> None:
    """Tell whoever started the program, if anything can be told."""
    print(words, file=cast(TextIO, Unfailing(sys.stdout)), flush=True)
