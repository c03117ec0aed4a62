"""Consistent look-ahead, learnt."""
