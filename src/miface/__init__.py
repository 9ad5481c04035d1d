"""How much of the faces it was trained on does a face recogniser give away."""
