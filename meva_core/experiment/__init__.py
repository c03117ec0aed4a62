"""From names and numbers to objects: an experiment, how it is resolved, and what it composes to."""
