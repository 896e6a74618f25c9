"""A certificate of our own for servers on this machine, and who trusts it."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

__all__ = ["Certificate"]


class Certificate:
    """Made by openssl, for 127.0.0.1 and localhost; `file` and `key` are in PEM form."""

    def __init__(self, folder: Path) -> None:
        self.file, self.key = folder / "certificate.pem", folder / "key.pem"
        made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1")
        names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        subprocess.run(
            ["openssl", "req", "-x509", *made, *names, "-out", self.file, "-keyout", self.key],
            check=True,
            capture_output=True,
        )

    def serving(self) -> ssl.SSLContext:
        """What a server shows it with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context

    def trusting(self) -> ssl.SSLContext:
        """What a client believes it with."""
        return ssl.create_default_context(cafile=str(self.file))
