"""The commands that sweep and record."""
