"""Route 53 resolver query logs."""

DIFFERENCES = []
