"""Training: descent, optimisers, initial weights, and what is exact and fast for linear layers."""
