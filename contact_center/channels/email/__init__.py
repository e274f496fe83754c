"""E-mail: received by IMAP or by the embedded SMTP/LMTP receiver, sent by SMTP or into the outgoing spool."""
