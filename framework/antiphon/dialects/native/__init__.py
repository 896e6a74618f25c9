"""The native wire, version 1: `[n, k, packet, ...]` in msgpack or JSON. docs/protocol.md describes it for strangers."""
