"""The outbound line: lease, send, receipt, retry."""
