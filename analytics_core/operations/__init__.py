"""What monitors ask: whether PostFlow lives, whether it is ready, and its figures."""
