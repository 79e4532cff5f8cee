"""What carries packets (raw sockets, TUN, memory) and the hub that shares a link. Import from the modules."""
