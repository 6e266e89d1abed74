"""The book as a program: its command line, notebooks, parameters, claims, and what it shows."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    [],
    {
        "claims": ["Claim", "claim_id", "ledger"],
        "kernel": ["check_parameters"],
        "show": ["begin", "glue", "print_record", "show_table"],
    },
)
