"""Computing: devices, processes, compiled programs, signals, and the progress that a run reports."""
