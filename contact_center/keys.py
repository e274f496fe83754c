"""The instance's secret: signing, comparing, encrypting. One key in, a purpose-bound key for every use."""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from contact_center.errors import ConfigError

AUDIT_KEYS = "audit_keys"
MAC_BYTES = 10  # 80 bits: RFC 2104 asks for at least half of a hash, and nobody guesses 2^80 online


class Keys:
    """Everything that is derived from the secret key. Earlier keys still verify and decrypt; only the first makes anything."""

    def __init__(self, secret: str, *earlier: str) -> None:
        if any(len(each) < 16 for each in (secret, *earlier)):
            raise ConfigError("secret_key: at least 16 characters are needed")
        self._secrets = [each.encode() for each in (secret, *earlier)]

    def sign(self, purpose: str, text: str) -> str:
        """A short lower-case code that only this instance can make for `text`."""
        return _code(_derived(self._secrets[0], purpose), text)

    def verify(self, purpose: str, text: str, code: str) -> bool:
        """Whether `code` is ours for `text`, in constant time."""
        given = code.lower().encode("utf-8", "replace")
        return any(hmac.compare_digest(_code(_derived(secret, purpose), text).encode(), given) for secret in self._secrets)

    def names(self) -> list[str]:
        """What to call each key, the one in force first; it tells nothing about the key itself."""
        return [_code(_derived(secret, "key id"), "") for secret in self._secrets]

    def ticket_token(self, ticket_id: int) -> str:
        """The signed token of a ticket for the plus-part of a reply address."""
        return f"t{ticket_id}-{self.sign('ticket', str(ticket_id))}"

    def ticket_of(self, token: str) -> int | None:
        """The ticket that a token names, None when it was not made here."""
        number, _, code = token.lower().removeprefix("t").partition("-")
        if not number.isdigit() or len(number) > 18 or not self.verify("ticket", number, code):
            return None
        return int(number)

    def encrypt(self, text: str) -> str:
        """Authenticated encryption of a stored secret."""
        return self._fernet().encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The secret again. Raises ConfigError when the key changed or the value was altered."""
        try:
            return self._fernet().decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise ConfigError("A stored secret cannot be decrypted: the secret key has changed.") from error

    def seal(self, kept: Iterable[bytes] = ()) -> "Seal":
        """What seals the audit log; `kept` are keys of it whose secrets were forgotten."""
        return Seal([*(_derived(secret, "audit log") for secret in self._secrets), *kept])

    def _fernet(self) -> MultiFernet:
        return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(secret, "stored secrets"))) for secret in self._secrets])


class Seal:
    """Seals the audit log. The first key makes seals; each seal names its key, so that those of earlier keys still hold."""

    def __init__(self, keys: list[bytes]) -> None:
        self._keys = {hashlib.sha256(b"key id" + key).hexdigest()[:8]: key for key in reversed(keys)}
        self._current = next(reversed(self._keys))

    def make(self, content: bytes) -> str:
        """The seal of `content`: the key's name, a dot, and the code."""
        return f"{self._current}.{self._code(self._current, content)}"

    def holds(self, content: bytes, seal: str) -> bool:
        """Whether the seal was made for exactly this, with a key that we have."""
        name, _, code = seal.partition(".")
        return name in self._keys and hmac.compare_digest(self._code(name, content), code)

    def knows(self, seal: str) -> bool:
        """Whether the key that made the seal is here."""
        return seal.partition(".")[0] in self._keys

    def _code(self, name: str, content: bytes) -> str:
        return hmac.new(self._keys[name], content, hashlib.sha256).hexdigest()


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.new(secret, purpose.encode(), hashlib.sha256).digest()


def _code(key: bytes, text: str) -> str:
    digest = hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.b32encode(digest[:MAC_BYTES]).decode().lower()


def new_token(prefix: str = "") -> str:
    """256 random bits for a session, a link or an API token."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token. Random tokens need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def load_secrets(path: Path) -> list[str]:
    """The keys in the file, one a line, the one in force first; made on first use and readable by its owner only."""
    return load_secret(path).split()


def renew_secret(path: Path) -> None:
    """Put a new key in force; the earlier ones stay below it."""
    _replace(path, [secrets.token_urlsafe(48), *load_secrets(path)])


def forget_earlier(path: Path) -> None:
    """Keep only the key in force, and of the others what the audit log was sealed with: nothing else follows from that."""
    current, *earlier = load_secrets(path)
    kept = [*load_audit_keys(path.parent), *(_derived(secret.encode(), "audit log") for secret in earlier)]
    if kept:
        _replace(path.parent / AUDIT_KEYS, [key.hex() for key in kept])
    _replace(path, [current])


def load_audit_keys(folder: Path) -> list[bytes]:
    """Keys of the audit log whose secrets were forgotten."""
    try:
        return [bytes.fromhex(line) for line in (folder / AUDIT_KEYS).read_text("ascii").split()]
    except FileNotFoundError:
        return []


def _replace(path: Path, keys: list[str]) -> None:
    handle, draft = tempfile.mkstemp(prefix=".secret-", dir=path.parent)  # readable by its owner only
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(keys))
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(path)


def load_secret(path: Path) -> str:
    """What stands in the key file, made on first use and readable by its owner only."""
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: a crash, or another process that reads meanwhile, must never see an empty key.
        handle, draft = tempfile.mkstemp(prefix=".secret-", dir=path.parent)  # readable by its owner only
        try:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            Path(draft).unlink()
        return path.read_text("ascii").strip()
