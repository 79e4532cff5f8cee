"""The endpoint: a TCP without input or output. Time, randomness and segments go in, segments and events come out."""
