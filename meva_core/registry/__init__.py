"""Entries of plugins (discovery, loading, checks), and recipes."""
