"""Policies: the table of a game's states, and networks."""
