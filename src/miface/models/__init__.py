"""The four recognisers, their training, and how they are kept."""
