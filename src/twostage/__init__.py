"""How attention learns: what goes with what first, then where to look."""
