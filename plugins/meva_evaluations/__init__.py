"""Bundled evaluations of the players of a match, one file each."""
