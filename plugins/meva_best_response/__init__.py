"""Learners that shape a best response to themselves."""
