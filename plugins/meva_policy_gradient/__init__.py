"""Learners that follow policy gradients, estimated from the episodes that they play."""
