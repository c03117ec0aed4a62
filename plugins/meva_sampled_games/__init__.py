"""Games that are played in steps, without exact payoffs."""
