"""Proximal learning with opponent-learning awareness, and how reciprocal its players are."""
