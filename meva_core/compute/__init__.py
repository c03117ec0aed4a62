"""What computes: devices, processes, compiled programs, signals, and what a run tells meanwhile."""
