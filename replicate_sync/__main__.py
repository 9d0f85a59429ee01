"""The command `replicate-sync`, which is `python -m replicate_sync` as well."""

from __future__ import annotations


def main() -> None:
    """Run the command; a Ctrl-C while it is imported ends it as one later does."""
    try:
        from .cli import main as command
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    command()


if __name__ == "__main__":
    main()
