"""The pond as a command."""

from __future__ import annotations

from examples.pond.app import make_app
from examples.serving import run


def main() -> None:
    """Serve the pond until Ctrl-C."""
    run("pond", make_app, "A pond in the browser: every visitor is a fish that follows the pointer.")


if __name__ == "__main__":
    main()
