"""Grids of runs: on any number of processes or machines, stopped and gone on with."""
