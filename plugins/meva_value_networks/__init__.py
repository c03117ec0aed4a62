"""Networks that value joint policies."""
