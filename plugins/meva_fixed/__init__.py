"""A learner that never moves."""
