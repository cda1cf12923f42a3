"""The permission matrix, walked: every method of every service that takes an actor, by every role.

A method that is not in the table fails the test: whoever adds one says here who may call it.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest

from studio.bootstrap import Studio
from studio.errors import NotFound, NotPermitted
from studio.privacy.access import MATRIX, Actor, Permission, Role
from studio.privacy.audit import AuditQuery
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from tests.enrolling import enrol


def roles_with(permission: Permission) -> frozenset[Role]:
    return frozenset(role for role, held in MATRIX.items() if permission in held)


VOICES, REVIEW = roles_with(Permission.VOICES), roles_with(Permission.REVIEW)
MODELS, SETTINGS = roles_with(Permission.MODELS), roles_with(Permission.SETTINGS)
ACCOUNTS, AUDIT = roles_with(Permission.ACCOUNTS), roles_with(Permission.AUDIT)
BOTH = VOICES | REVIEW
OWN = frozenset(
    Role
)  # everybody, about what is theirs: of others' they learn nothing, unless they see all voices
SEES_ALL = roles_with(Permission.ALL_VOICES)

TABLE: dict[str, dict[frozenset[Role], str]] = {
    "accounts": {
        ACCOUNTS: "create disable accounts find sign_in_link revoke_links", OWN: "set_language preferences prefer",
    },
    "sign_ins": {OWN: "has_password set_password sessions tie untie is_tied end end_all", ACCOUNTS: "remove_password"},
    "api_keys": {VOICES: "create", OWN: "keys revoke"},
    "audit": {AUDIT: "read search count actors actions verify head export", SETTINGS: "note"},
    "licences": {MODELS: "accept"},
    "model_desk": {MODELS: "pull verify cancel remove look_again"},
    "voices": {
        VOICES: "check fix enrol add_clip remove_clip rename", BOTH: "withdraw view",
        OWN: "browse clip_audio consent_audio",
    },
    "speakers": {VOICES: "invite", OWN: "link_for link_to"},
    "consent": {REVIEW: "waiting review", OWN: "newest versions expiring"},
    "erasure": {BOTH: "withdraw", OWN: "receipt_of"},
    "dossiers": {OWN: "speakers open export"},
    "retention": {REVIEW: "rules set run"},
    "enrolment": {VOICES: "start", OWN: "find of_actor encoded"},
    "synthesis": {VOICES: "preview", OWN: "find running live audio"},
    "takes": {VOICES: "set_favourite delete", OWN: "search find of_batch batches clip audio cached"},
    "batches": {VOICES: "start", OWN: "find running finished zip"},
    "choices": {OWN: "voices"},
    "evaluations": {VOICES: "evaluate evaluate_takes", OWN: "find running compare"},
    "datasets": {
        VOICES: "folders build rename delete training_set",
        OWN: "refusal find_work running list view clip_audio",
    },
    "dataset_licences": {REVIEW: "approve refuse"},
    "dataset_leftovers": {SETTINGS: "remove_folder", OWN: "interrupted dismiss may_remove"},
    "dataset_review": {VOICES: "decide decide_all edit_text recut", OWN: "one page passage_audio"},
    "training": {
        VOICES: "submit resume delete use cancel pause", OWN: "predict jobs job progress sample_audio sample_texts",
    },
    "listening": {
        VOICES: "create said resume open revoke close delete", OWN: "running find_batch tests view offered",
    },
}  # fmt: skip
# What services hand each other inside a transaction; whoever calls them was asked before.
INSIDE = {"voices.find", "datasets.find", "datasets.permitted", "datasets.utterance", "takes.cached"}


def services(studio: Studio) -> dict[str, Any]:
    found = {field.name: getattr(studio, field.name) for field in fields(studio)}
    inner = {"sign_ins": studio.accounts.sign_ins, "takes": studio.synthesis.takes}
    desks = {
        "dataset_licences": studio.datasets.licences, "dataset_leftovers": studio.datasets.leftovers,
    }  # fmt: skip
    return found | inner | desks


def methods(studio: Studio) -> Iterator[tuple[str, Callable[..., Any]]]:
    """(service.method, the bound method) of every public one that takes an actor."""
    for name, service in services(studio).items():
        if type(service).__module__.startswith("studio."):
            for member, method in inspect.getmembers(service, inspect.ismethod):
                if not member.startswith("_") and "actor" in inspect.signature(method).parameters:
                    yield f"{name}.{member}", method


def expected() -> dict[str, frozenset[Role]]:
    return {
        f"{service}.{method}": roles
        for service, rules in TABLE.items()
        for roles, names in rules.items()
        for method in names.split()
    }


def arguments(method: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """What the method cannot do without, as far as the walk goes; a permission is asked before the rest is read."""
    given = {}
    for parameter in list(inspect.signature(method).parameters.values()):
        if parameter.name != "actor" and parameter.default is parameter.empty:
            given[parameter.name] = known.get(parameter.name, "none")
    return given


def outcome(method: Callable[..., Any], actor: Actor, given: dict[str, Any]) -> str:
    """refused, unknown (there is no such thing, for this one), nothing (an empty answer) or let in."""
    try:
        answer = method(actor=actor, **given)
        if inspect.isgenerator(answer):
            answer = next(answer, None)
    except NotPermitted:
        return "refused"
    except NotFound:
        return "unknown"
    except Exception:  # noqa: BLE001 - past the door the walk's arguments make no sense, and that is all right
        return "in"
    return "in" if answer else "nothing"


@pytest.fixture
def known(studio: Studio, admin: Actor, account: Callable[..., Actor]) -> dict[str, Any]:
    """Things of a producer's, by the names under which methods ask for them."""
    rosa = account("rosa")
    voice = enrol(studio, rosa, "Linda")
    request = SynthesisRequest(VoiceChoice("", "fake", "tone"), "Buongiorno.", "it", "fake", score=False)
    take = studio.synthesis.preview(rosa, request).take()
    with studio.database.read() as session:
        consent = studio.consent.of_speaker(session, voice.speaker_id)
    assert consent is not None
    return {
        "voice_id": voice.id, "speaker_id": voice.speaker_id, "clip_id": voice.clips[0].id, "take_id": take.id,
        "take_ids": [take.id], "consent_id": consent.id, "account": "rosa", "account_id": rosa.account_id,
        "engine_id": "fake", "request": request, "template": request, "rows": [], "query": AuditQuery(),
        "format_name": "wav", "language": "it", "text": "x", "name": "language", "value": "x", "reveal": False,
        "keep": True, "scopes": ["speak"], "favourite": True,
        "approve": True, "note": "a reason", "reason": "x", "minutes": 1.0,
    }  # fmt: skip


def test_every_method_that_takes_an_actor_is_in_the_table_and_the_other_way_round(studio: Studio) -> None:
    there = {name for name, _ in methods(studio)} - INSIDE
    assert there - expected().keys() == set(), "say in TABLE who may call these"
    assert expected().keys() - there - INSIDE == set(), "these are gone"


def test_nobody_does_what_the_role_does_not_allow(
    studio: Studio, account: Callable[..., Actor], known: dict[str, Any]
) -> None:
    table, actors = expected(), {role: account(f"some {role.value}", role) for role in Role}
    wrong = []
    for name, method in methods(studio):
        for role in set(Role) - table.get(name, OWN):
            told = outcome(method, actors[role], arguments(method, known))
            if told not in ("refused", "unknown"):
                wrong.append(f"{name} by {role.value}: {told}")
    assert not wrong, "\n".join(wrong)


def test_nobody_sees_what_is_anothers(
    studio: Studio, account: Callable[..., Actor], known: dict[str, Any]
) -> None:
    """Of the methods that answer about one's own: by whom it is not, and who does not see all voices."""
    personal = {
        "voices.clip_audio", "voices.consent_audio", "voices.browse", "synthesis.audio", "takes.find", "takes.clip",
        "takes.audio", "takes.search", "takes.batches", "batches.finished",
        "consent.newest", "consent.versions", "dossiers.open", "dossiers.export",
        "dossiers.speakers", "enrolment.encoded", "speakers.link_for", "speakers.link_to", "datasets.list",
    }  # fmt: skip
    actors = {role: account(f"other {role.value}", role) for role in set(Role) - SEES_ALL}
    found = dict(methods(studio))
    wrong = []
    for name in personal:
        for role, actor in actors.items():
            told = outcome(found[name], actor, arguments(found[name], known))
            if told == "in":
                wrong.append(f"{name} by another {role.value}")
    assert not wrong, "\n".join(wrong)


def test_everybody_may_do_what_the_role_allows(studio: Studio, account: Callable[..., Actor]) -> None:
    table, actors = expected(), {role: account(f"a {role.value}", role) for role in Role}
    nothing = {"query": AuditQuery(), "name": "engine", "value": "", "scopes": ["speak"], "days": 1}
    wrong = []
    for name, method in methods(studio):
        for role in table.get(name, OWN) if table.get(name) != OWN else ():
            if outcome(method, actors[role], arguments(method, nothing)) == "refused":
                wrong.append(f"{name} by {role.value}")
    assert not wrong, "\n".join(wrong)
