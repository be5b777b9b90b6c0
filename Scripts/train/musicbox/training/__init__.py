"""Training of each part, in pieces that resume."""
