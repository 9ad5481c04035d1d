"""The attack: MI-FACE, its objectives, terms, spaces, and what it may know."""
