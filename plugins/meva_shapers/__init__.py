"""Learners that are fitted over the lifetimes of others, who learn all the time."""
