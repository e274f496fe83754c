"""What providers say of a message that we sent, in our own words."""

from contact_center.model.words import Delivery

TWILIO = {
    "accepted": Delivery.SENT,
    "scheduled": Delivery.SENT,
    "queued": Delivery.SENT,
    "sending": Delivery.SENT,
    "sent": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.DELIVERED,
    "undelivered": Delivery.BOUNCED,
    "failed": Delivery.BOUNCED,
    "canceled": Delivery.BOUNCED,
}
"""Twilio's MessageStatus."""

KANNEL = {
    "1": Delivery.DELIVERED,
    "2": Delivery.BOUNCED,
    "4": Delivery.SENT,
    "8": Delivery.SENT,
    "16": Delivery.BOUNCED,
}
"""Kannel's %d: delivered, undeliverable, buffered, accepted by the operator, rejected by the operator."""

OPTED_OUT = "21610"
"""Twilio keeps opt-outs of its own and refuses what is sent in spite of them."""

TWILIO_ERRORS = {
    OPTED_OUT: "The customer has opted out with the provider.",
    "30003": "The handset is switched off or out of reach.",
    "30004": "The message was blocked.",
    "30005": "The number does not exist.",
    "30006": "A landline, or a network that takes no messages.",
    "30007": "The network filtered the message out.",
    "30008": "The network does not say why.",
}
"""The codes met most, for people who do not know them by heart."""
