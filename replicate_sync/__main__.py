"""`python -m replicate_sync` is the command `replicate-sync`."""

from .cli import main

main()
