"""Every error the product raises on purpose. The class says what the caller should do next; the docstring is the message."""

from typing import Any


class ContactCenterError(Exception):
    """Something went wrong that the product foresaw."""

    code = "error"
    http_status = 500

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.details = details
        super().__init__(self.message)


class NotFound(ContactCenterError):
    """There is no such thing, or you may not see it."""

    code = "not-found"
    http_status = 404


class Forbidden(ContactCenterError):
    """Your role does not allow this."""

    code = "forbidden"
    http_status = 403


class NotSignedIn(ContactCenterError):
    """Sign in first."""

    code = "not-signed-in"
    http_status = 401


class BadRequest(ContactCenterError):
    """The request cannot be understood."""

    code = "bad-request"
    http_status = 400


class Invalid(ContactCenterError):
    """Some fields are not acceptable; `errors` names them."""

    code = "invalid"
    http_status = 422


class Conflict(ContactCenterError):
    """The thing is in a state that does not allow this."""

    code = "conflict"
    http_status = 409


class Overtaken(Conflict):
    """A colleague has answered meanwhile. Read their answer, then send yours if it is still needed."""

    code = "overtaken"


class DraftChanged(Conflict):
    """This draft was changed elsewhere since you read it, in another window or by whoever took it over. Choose which one stays."""

    code = "draft-changed"


class Gone(ContactCenterError):
    """What you ask for was there and is not kept any more."""

    code = "gone"
    http_status = 410


class StaleVersion(ContactCenterError):
    """Somebody changed this since you read it. Read it again, then repeat the change."""

    code = "stale-version"
    http_status = 412


class TooSlow(ContactCenterError):
    """The request did not arrive in time. Send it again."""

    code = "too-slow"
    http_status = 408


class TooLarge(ContactCenterError):
    """The request is larger than this server accepts."""

    code = "too-large"
    http_status = 413


class UnsupportedMediaType(ContactCenterError):
    """Send the body as application/json."""

    code = "unsupported-media-type"
    http_status = 415


class TooManyRequests(ContactCenterError):
    """Too many attempts. Wait, then try again."""

    code = "too-many-requests"
    http_status = 429


class Unavailable(ContactCenterError):
    """The server cannot do this right now. Nothing was changed; try again."""

    code = "unavailable"
    http_status = 503


class ConfigError(ContactCenterError):
    """The configuration is wrong; the message names the setting."""

    code = "config"


class FenceLost(ContactCenterError):
    """Another process took over this work; the unit was refused and nothing was written."""

    code = "fence-lost"
    http_status = 503


class ChannelError(ContactCenterError):
    """A connector could not do its work. Connectors raise one of the three leaves and nothing else."""

    code = "channel"
    http_status = 502


class SourceCannotBeAsked(ContactCenterError):
    """The source of an account keeps nothing that could be compared: things are brought to us."""

    code = "source-cannot-be-asked"


class ChannelUnavailable(ChannelError):
    """The other side does not answer or asks us to wait. The supervisor tries again later."""

    code = "channel-unavailable"


class ChannelAuthFailed(ChannelError):
    """The other side refuses our credentials. A person must enter new ones; the rest keeps running."""

    code = "channel-auth-failed"


class ChannelMisconfigured(ChannelError):
    """The settings cannot work as they are. The connector stays stopped until they change."""

    code = "channel-misconfigured"


class DeliveryUnknown(ChannelError):
    """The message may or may not have been accepted. Nothing is sent again until a person decides."""

    code = "delivery-unknown"


class Undeliverable(ChannelError):
    """The other side refused this one message for good."""

    code = "undeliverable"


class OptedOut(Undeliverable):
    """The recipient has told the other side that they want no more messages. We heed that as if they had told us."""

    code = "opted-out"


class QuarantineItem(ContactCenterError):
    """This item cannot be taken in as it is. It is kept with its original for a person to look at."""

    code = "quarantine"
