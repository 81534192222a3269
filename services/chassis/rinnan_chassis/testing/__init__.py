"""The test kit: a stage on which one room hears, works and answers, and what it said is read back."""

from rinnan_chassis.testing.clock import StageClock
from rinnan_chassis.testing.stage import Stage, stage_of

__all__ = ["Stage", "StageClock", "stage_of"]
