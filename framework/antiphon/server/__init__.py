"""The server: sessions, namespaces and rooms of one process, and the gateway that HTTP requests come through."""
