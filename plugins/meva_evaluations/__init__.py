"""Evaluations: questions about the players of a match, one file each."""
