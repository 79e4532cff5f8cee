"""Bytes to segments and back: pure values, no sockets, no clock. Import from the modules."""
