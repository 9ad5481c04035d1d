"""Recognisers that miface did not train: files that a user gives, of which no code runs."""
