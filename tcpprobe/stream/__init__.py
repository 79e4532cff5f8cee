"""The endpoint used like a socket: one loop around it, over any link."""
