"""Perturbations that make a learner's trajectories explore."""
