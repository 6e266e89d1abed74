"""Topics: one-layer transformers on documents drawn from topics (li2023topic)."""
