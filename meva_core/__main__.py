"""`python -m meva_core` is `meva`."""

from meva_core.cli import main

main()
