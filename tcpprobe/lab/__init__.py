"""Targets made out of nothing: the kernel in a private namespace, or an own TCP in memory."""
