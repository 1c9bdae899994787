"""picloud."""
