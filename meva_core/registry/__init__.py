"""Plugins' entries, how they are discovered, loaded and checked, and the recipes on record."""
