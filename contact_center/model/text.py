"""Text that every part of the product can keep: databases, JSON and UTF-8 alike."""


def clean_text(value: str) -> str:
    """`value` with NUL characters dropped and lone surrogates replaced by U+FFFD."""
    if "\x00" in value:
        value = value.replace("\x00", "")
    try:
        value.encode()
    except UnicodeEncodeError:
        value = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return value


def preview(text: str, limit: int = 160) -> str:
    """The first words of a text on one line, for lists; at most `limit` characters."""
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
