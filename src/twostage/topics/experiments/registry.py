"""The experiments on topics that are swept, recorded and tested by their names."""

from twostage.topics.experiments.odds import ODDS
from twostage.topics.experiments.stages import STAGES

EXPERIMENTS = (STAGES, ODDS)
