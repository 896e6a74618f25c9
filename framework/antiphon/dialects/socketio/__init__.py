"""The wire of Socket.IO clients: protocol v5 over Engine.IO v4, in its text form and in that of the msgpack parser."""
