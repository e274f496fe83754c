"""What docs/security.md promises and no other room's tests hold."""
