"""Text messages by Twilio, or by a Kannel gateway of one's own."""
