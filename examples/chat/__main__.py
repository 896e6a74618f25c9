"""The chat as a command."""

from __future__ import annotations

from examples.chat.app import make_app
from examples.serving import run


def main() -> None:
    """Serve the chat until Ctrl-C."""
    run("chat", make_app, "A chat with rooms, in the browser.")


if __name__ == "__main__":
    main()
