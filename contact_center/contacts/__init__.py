"""Who is it? Contact points to contacts, merging and unmerging. Works inside the caller's unit of work."""
