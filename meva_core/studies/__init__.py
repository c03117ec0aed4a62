"""Tournaments, sweeps, reproductions, counts of claims and verification; fits and surveys of plain objects."""
