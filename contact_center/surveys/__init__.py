"""Asking customers how it was, after their ticket was resolved, and taking in what they say."""
