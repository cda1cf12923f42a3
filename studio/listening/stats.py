"""The statistics of listening tests: pure functions, each with its formula and source.

Means: `mos`, `bounded_mos`, `crossed_mos` (studio.listening.means), `paired_difference` (.differences).
Choices: `preference`, `holm` for several tests at once (.choices), `bradley_terry` (.ranking). Agreement:
`krippendorff_alpha`, `icc` (.agreement). Planning: `ratings_needed` and its kin (.planning).
"""

from studio.listening.agreement import Agreement, IntraclassCorrelation, icc, krippendorff_alpha
from studio.listening.choices import Preference, holm, preference
from studio.listening.differences import PairedDifference, paired_difference
from studio.listening.means import MeanScore, bounded_mos, crossed_mos, mos
from studio.listening.planning import (
    Variances,
    choice_variances,
    design_effect,
    expected_half_width,
    listeners_needed,
    pairs_needed,
    ratings_needed,
    variance_components,
)
from studio.listening.ranking import BradleyTerry, Interval, bradley_terry, clustered_intervals

__all__ = [
    "Agreement",
    "BradleyTerry",
    "Interval",
    "IntraclassCorrelation",
    "MeanScore",
    "PairedDifference",
    "Preference",
    "Variances",
    "bounded_mos",
    "bradley_terry",
    "choice_variances",
    "clustered_intervals",
    "crossed_mos",
    "design_effect",
    "expected_half_width",
    "holm",
    "icc",
    "krippendorff_alpha",
    "listeners_needed",
    "mos",
    "paired_difference",
    "pairs_needed",
    "preference",
    "ratings_needed",
    "variance_components",
]
