"""docs/deploy.md, by its blocks."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["BLOCKS", "block"]

TEXT = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


def block(language: str, number: int = 0, **places: object) -> str:
    """A block as it stands, but for what is elsewhere in a test: `places` has what each word of it is to become."""
    text = [text for found, text in BLOCKS if found == language][number]
    for old, new in places.items():
        assert old in PLACES, f"{old!r} is not known to stand on the page"
        assert PLACES[old] in text, f"{PLACES[old]!r} stands no more in the {language} block of docs/deploy.md"
        text = text.replace(PLACES[old], str(new))
    return text


PLACES = {
    "application": "127.0.0.1:8000",
    "port": "port=8000",
    "site": "app.example {",
    "listen": "listen 443 ssl;",
    "name": "server_name app.example;",
    "certificate": "/etc/ssl/app.example.pem",
    "key": "/etc/ssl/app.example.key",
}
