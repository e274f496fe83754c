"""contact_center: calls, e-mail, SMS and web forms in one contact history, with a live console."""

__version__ = "0.1.0"
