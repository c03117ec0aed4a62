"""Many runs together: tournaments, sweeps, reproductions, counts of claims, and verification."""
