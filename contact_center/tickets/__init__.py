"""What is it about? Threading, entries, the life of a ticket, replies. Works inside the caller's unit of work."""
