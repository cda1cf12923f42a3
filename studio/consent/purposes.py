"""What a speaker can agree to, each by itself."""

from enum import StrEnum


class Purpose(StrEnum):
    """A use of a voice; one un-ticked box each."""

    ZERO_SHOT = "zero_shot"
    FINE_TUNE = "fine_tune"
    EVALUATION = "evaluation"
    LISTENING_TEST = "listening_test"
    INTERNAL_USE = "internal_use"
    COMMERCIAL_USE = "commercial_use"


class Category(StrEnum):
    """Who the speaker is to the studio."""

    SELF = "self"
    EMPLOYEE = "employee"
    CUSTOMER = "customer"


LAWFUL_BASIS = "explicit consent (GDPR Art. 6(1)(a) and 9(2)(a))"
CONSENT_MONTHS = 12
