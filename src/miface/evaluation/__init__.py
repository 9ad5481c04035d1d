"""What was recovered, measured: likeness, and whom independent recognisers see."""
