"""Networks that give joint policies a value."""
