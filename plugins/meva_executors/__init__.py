"""Executors: machines that compute the runs of a study."""
