"""Meta-Value Learning."""
