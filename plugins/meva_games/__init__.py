"""Differentiable games with exact payoffs."""
