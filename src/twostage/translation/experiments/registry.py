"""The experiments on translation that are swept, recorded and tested by their names."""

from twostage.translation.experiments.copying import AUTHORS_SIZE, COPY, FIRST_STEPS, LANGUAGES
from twostage.translation.experiments.heads import FREE_HEADS, HEADS
from twostage.translation.experiments.rescues import RESCUES

EXPERIMENTS = (COPY, AUTHORS_SIZE, FIRST_STEPS, HEADS, RESCUES, FREE_HEADS, LANGUAGES)
