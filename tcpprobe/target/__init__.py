"""What is tested: its address, its services."""
