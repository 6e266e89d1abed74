"""What a translator knows and where it looks."""

from twostage.translation.probes.agreement import (
    TOP,
    find_xi,
    measure_agreement,
    measure_agreements,
    measure_bag_probe,
    measure_pointing,
    measure_saliency,
    shuffle_keys,
)
from twostage.translation.probes.attention import (
    ATTENTION_PASSED,
    AVOIDS,
    KTIW_PASSED,
    LEARNED,
    measure_attention,
    measure_contrast,
    measure_head_attention,
    measure_head_contrast,
)
from twostage.translation.probes.free import (
    N_BATCHES,
    measure_first_gradient,
    measure_free,
    measure_heads,
    measure_signal,
)
from twostage.translation.probes.knowledge import (
    measure_ktiw,
    measure_state_probe,
    measure_word_contrast,
    measure_word_ktiw,
    measure_word_table,
)
from twostage.translation.probes.record import (
    measure_accuracy,
    measure_loss,
    measure_translator,
    measure_translator_heads,
    name_fates,
    stage_criteria,
)

__all__ = [
    "ATTENTION_PASSED",
    "AVOIDS",
    "KTIW_PASSED",
    "LEARNED",
    "N_BATCHES",
    "TOP",
    "find_xi",
    "measure_accuracy",
    "measure_agreement",
    "measure_agreements",
    "measure_attention",
    "measure_bag_probe",
    "measure_contrast",
    "measure_first_gradient",
    "measure_free",
    "measure_head_attention",
    "measure_head_contrast",
    "measure_heads",
    "measure_ktiw",
    "measure_loss",
    "measure_pointing",
    "measure_saliency",
    "measure_signal",
    "measure_state_probe",
    "measure_translator",
    "measure_translator_heads",
    "measure_word_contrast",
    "measure_word_ktiw",
    "measure_word_table",
    "name_fates",
    "shuffle_keys",
    "stage_criteria",
]
