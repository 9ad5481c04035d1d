"""Where photos come from, and their split."""
