"""The requirements of the TCP RFCs as data, and which scenarios cover them. Import from the modules."""
