"""Consistent look-ahead, learnt by a network."""
