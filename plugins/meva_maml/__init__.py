"""Model-agnostic meta-learning of where to start and how fast to learn."""
