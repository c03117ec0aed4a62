"""Loggers that send a run's curves and results to dashboards."""
