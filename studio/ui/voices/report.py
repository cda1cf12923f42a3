"""A report card as HTML: what was found, how bad it is, the value beside its limit, what to do."""

from studio.audio.card import Finding, ReportCard, Severity
from studio.errors import StudioError
from studio.ui.markup import esc
from studio.ui.words import Words

TONES = {Severity.OK: ("good", "✓"), Severity.WARN: ("warn", "!"), Severity.REFUSE: ("bad", "✕")}


def findings_list(words: Words, card: ReportCard) -> str:
    """What needs attention first; what is well is folded away."""
    ranked = sorted(card.findings, key=lambda f: list(Severity).index(f.severity), reverse=True)
    bad = [_line(words, finding) for finding in ranked if finding.severity is not Severity.OK]
    good = [_line(words, finding) for finding in ranked if finding.severity is Severity.OK]
    shown = f'<ul class="tb-findings">{"".join(bad)}</ul>' if bad else ""
    if not good:
        return shown
    summary = words("report.good", n=len(good))
    return f'{shown}<details><summary>{esc(summary)}</summary><ul class="tb-findings">{"".join(good)}</ul></details>'


def _line(words: Words, finding: Finding) -> str:
    tone, mark = TONES[finding.severity]
    language = words.language
    then = finding.next(language)
    told = f"<b>{esc(finding.label(language))}</b>: {esc(finding.text(language))} {esc(then)}"
    severity = words(f"report.{finding.severity}")
    return f'<li class="{tone}"><span class="mark" aria-label="{esc(severity)}">{mark}</span><span>{told}</span></li>'


def refusal(trouble: StudioError, language: str) -> str:
    """The refusal where the form is, besides the message that floats."""
    what, why, then = (esc(trouble.part(part, language)) for part in ("what", "why", "next"))
    return f'<p class="tb-note bad" role="alert"><b>{what}</b> {why} {then}</p>'
