"""The line learner, as slow as a test wants it."""

import os
import time
from collections.abc import Sequence

import torch

from studio.engines.learning import LossParts
from tests.training.learners import LineLearner, Point

STEP_S = "SCRIPTED_STEP_S"  # how long a step takes; read by the child


class ScriptedLearner(LineLearner):
    def loss(self, items: Sequence[Point], step: int) -> LossParts:
        if torch.is_grad_enabled():
            time.sleep(float(os.environ.get(STEP_S, "0")))
        return super().loss(items, step)
