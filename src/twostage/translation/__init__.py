"""Words before attention in an LSTM that copies or translates (snell2021attention)."""
