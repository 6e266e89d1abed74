"""Topics: one-layer transformers on documents drawn from topics (li2023topic)."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    ["figures", "probes", "text", "theory"],
    {
        "bags": ["BagTransformer", "set_odds", "set_values", "solve_values"],
        "batches": [
            "Bags",
            "Positions",
            "as_bags",
            "as_positions",
            "sample_bags",
            "sample_masks",
            "sample_positions",
        ],
        "corpus": [
            "Corpus",
            "CorpusConfig",
            "MASK",
            "read_corpus",
            "sample_corpus",
            "sample_mixtures",
            "write_corpus",
        ],
        "experiments": ["HELD", "STAGES", "StageSettings", "hold_values", "train_stages"],
        "model": ["CHOICES", "Layer", "ModelConfig", "TopicTransformer", "Trace"],
        "relations": [
            "RELATIONS",
            "correlate_blocks",
            "mean_by_relation",
            "relation_of",
            "relations",
            "shuffle_topics",
        ],
        "statistics": [
            "count_cooccurrence",
            "count_pieces",
            "count_same",
            "count_statistics",
            "count_topics",
            "effective_topics",
            "equivalent_alpha",
            "infer_mixtures",
            "measure_overlap",
            "measure_zipf",
        ],
        "training": [
            "LOSSES",
            "cross_entropy",
            "measure_loss",
            "position_loss",
            "squared_error",
            "train_attention",
            "train_positions",
            "train_topics",
        ],
    },
)
