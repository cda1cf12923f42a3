"""Designing a test: type, systems, sentences, what listeners read, checks, rules; the planner beside it."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.audio.loudness import TARGET_LUFS
from studio.listening.forms import TIE_RULES, ListeningForm
from studio.listening.kinds import Kind
from studio.listening.screening import ScreeningRule
from studio.ui.desk import Desk
from studio.ui.listen.gold import GoldPanel, Known
from studio.ui.listen.planner import Intent, items_of, plan_card
from studio.ui.listen.systems import Systems, SystemsPanel
from studio.ui.markup import esc

LANGUAGES = ("it", "en", "es", "fr", "de", "pt")


@dataclass(frozen=True)
class Design:
    """The form as it stands, in the order of `FormPanel.inputs`."""

    name: str
    kind: str
    picked: Systems
    sentences: str
    language: str
    title: str
    instructions: str
    tie_rule: str
    level: bool
    headphones: bool
    training: float
    traps: float
    per_listener: float
    gold: list[Known]
    finished: bool
    traps_right: float
    gold_within: float
    variance: float
    need_headphones: bool
    attested: bool
    lufs: float | None
    mushra_share: float | None
    seed: float | None

    def form(self) -> ListeningForm:
        """What the service takes; it refuses what cannot be."""
        kind = Kind(self.kind)
        facts = kind.facts
        rule = ScreeningRule(
            finished=self.finished, traps_right=int(self.traps_right or 0), gold_within=float(self.gold_within or 0),
            least_variance=float(self.variance or 0), mushra_share=float(self.mushra_share or 0),
            headphones=self.need_headphones,
        )  # fmt: skip
        drawn = {} if self.seed is None else {"seed": int(self.seed)}
        return ListeningForm(
            name=self.name or "", kind=kind, systems=tuple(one.form for one in self.picked if not one.reference),
            sentences=tuple((self.sentences or "").splitlines()), language=self.language,
            reference=next((one.form for one in self.picked if one.reference), None),
            gold=tuple(one.form for one in self.gold) if facts.gold else (),
            title=self.title or "", instructions=self.instructions or "", tie_rule=self.tie_rule,
            level_lufs=self._level(), headphones=self.headphones,
            training=int(self.training or 0), traps=int(self.traps or 0) if facts.traps else 0,
            per_listener=int(self.per_listener or 0), rule=rule, attested=self.attested, **drawn,
        )  # fmt: skip

    def _level(self) -> float | None:
        """LUFS of every sound; the broadcast level where the field was emptied."""
        if not self.level:
            return None
        return TARGET_LUFS if self.lufs is None else float(self.lufs)


class FormPanel:
    """The inputs; hidden until somebody asks for a new test."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        with gr.Column(visible=False, elem_id="listen-form") as self.panel:
            with gr.Row(equal_height=False):
                with gr.Column(scale=6, min_width=300):
                    self._what()
                    self.systems = SystemsPanel(desk)
                    self._sentences()
                with gr.Column(scale=4, min_width=280):
                    self._planner()
                    self._read()
                    self._checks()
                    self._rules()
                    self._advanced()
            with gr.Row():
                self.go = gr.Button(words("listen.create"), variant="primary", elem_id="listen-create")
                self.close = gr.Button(words("listen.put_away"), min_width=120)

    def _what(self) -> None:
        words = self.desk.words
        self.name = gr.Textbox(
            label=words("listen.name"), info=words("listen.name_info"), max_length=80, elem_id="listen-name"
        )
        kinds = [(words(f"listen.kind.{kind}"), kind.value) for kind in Kind]
        self.kind = gr.Radio(kinds, value=Kind.MOS.value, label=words("listen.type"), elem_id="listen-kind")
        self.kind_told = gr.HTML(self._told(Kind.MOS.value))
        ties = [(words(f"listen.tie.{rule}"), rule) for rule in TIE_RULES]
        self.tie_rule = gr.Radio(
            ties, value="none", label=words("listen.ties"), info=words("listen.ties_info"), visible=False,
            elem_id="listen-ties",
        )  # fmt: skip

    def _told(self, kind: str) -> str:
        return f'<p class="tb-dim">{esc(self.desk.words(f"listen.told.{kind}"))}</p>'

    def _sentences(self) -> None:
        words = self.desk.words
        self.sentences = gr.Textbox(
            label=words("listen.sentences"), info=words("listen.sentences_info"), lines=6, max_lines=16,
            placeholder=words("listen.sentences_sample"), elem_id="listen-sentences",
        )  # fmt: skip
        self.take = gr.Button(words("listen.take_sentences"), size="sm", elem_id="listen-take-sentences")
        languages = [(words.language_name(code), code) for code in LANGUAGES]
        self.language = gr.Dropdown(languages, value=words.language, label=words("listen.language"))
        self.attested = gr.Checkbox(label=words("listen.attested"), elem_id="listen-attested")

    def _planner(self) -> None:
        words = self.desk.words
        gr.HTML(f"<h3>{esc(words('plan.title'))}</h3>")
        self.listeners = gr.Number(
            20, precision=0, minimum=2, maximum=10_000, label=words("plan.how_many"), elem_id="plan-listeners"
        )
        self.plan = gr.HTML(elem_id="plan-area")

    def _read(self) -> None:
        words = self.desk.words
        with gr.Accordion(words("listen.reading"), open=False):
            gr.HTML(f'<p class="tb-dim">{esc(words("listen.reading_info"))}</p>')
            self.title = gr.Textbox(label=words("listen.title"), max_length=120, elem_id="listen-title")
            self.instructions = gr.Textbox(
                label=words("listen.instructions"), lines=2, max_length=600, elem_id="listen-instructions"
            )

    def _checks(self) -> None:
        words = self.desk.words
        with gr.Accordion(words("listen.checks"), open=False, elem_id="listen-checks"):
            with gr.Row():
                self.training = gr.Number(
                    2, precision=0, minimum=0, maximum=10, label=words("listen.training"), min_width=120
                )
                self.traps = gr.Number(
                    0,
                    precision=0,
                    minimum=0,
                    maximum=10,
                    label=words("listen.traps"),
                    min_width=120,
                    elem_id="listen-traps",
                )
                self.per_listener = gr.Number(
                    0,
                    precision=0,
                    minimum=0,
                    label=words("listen.per_listener"),
                    info=words("listen.per_listener_info"),
                    min_width=160,
                )
            self.headphones = gr.Checkbox(label=words("listen.headphones"), elem_id="listen-headphones")
            self.level = gr.Checkbox(value=True, label=words("listen.level_on"), elem_id="listen-level")
            self.gold = GoldPanel(self.desk)

    def _rules(self) -> None:
        words = self.desk.words
        with gr.Accordion(words("listen.rules"), open=False):
            gr.HTML(f'<p class="tb-dim">{esc(words("listen.rules_info"))}</p>')
            self.finished = gr.Checkbox(value=True, label=words("listen.rule_finished"))
            self.need_headphones = gr.Checkbox(label=words("listen.rule_headphones"))
            with gr.Row():
                self.traps_right = gr.Number(
                    1, precision=0, minimum=0, maximum=10, label=words("listen.rule_traps"), min_width=120
                )
                self.gold_within = gr.Number(
                    1, minimum=0, maximum=4, label=words("listen.rule_gold"), min_width=120
                )
                self.variance = gr.Number(
                    0.1, minimum=0, maximum=4, label=words("listen.rule_variance"), min_width=120
                )

    def _advanced(self) -> None:
        words = self.desk.words
        with gr.Accordion(words("listen.advanced"), open=False, elem_id="listen-advanced"), gr.Row():
            self.lufs = gr.Number(
                TARGET_LUFS, minimum=-40, maximum=-14, label=words("listen.lufs"), min_width=120
            )
            self.mushra_share = gr.Number(
                ScreeningRule.mushra_share, minimum=0, maximum=1, step=0.05, visible=False,
                label=words("listen.mushra_share"), info=words("listen.mushra_share_info"), min_width=160,
            )  # fmt: skip
            self.seed = gr.Number(
                None, precision=0, minimum=0, label=words("listen.seed"), info=words("listen.seed_info"),
                min_width=160, elem_id="listen-seed",
            )  # fmt: skip

    @property
    def inputs(self) -> list[Any]:
        """In the order of `Design`."""
        return [
            self.name, self.kind, self.systems.picked, self.sentences, self.language, self.title, self.instructions,
            self.tie_rule, self.level, self.headphones, self.training, self.traps, self.per_listener, self.gold.kept,
            self.finished, self.traps_right, self.gold_within, self.variance, self.need_headphones, self.attested,
            self.lufs, self.mushra_share, self.seed,
        ]  # fmt: skip

    def wire(self, demo: gr.Blocks, voice: Any) -> None:
        on = self.desk.on
        self.systems.wire(demo, voice)
        fitted = [self.kind_told, self.tie_rule, self.traps, self.gold.group, self.mushra_share]
        on(self.kind.change, self.fit, [self.kind], fitted)
        planned = [self.kind, self.listeners, self.sentences, self.systems.picked, self.per_listener]
        for event in (
            demo.load,
            self.kind.change,
            self.listeners.change,
            self.sentences.change,
            self.systems.picked.change,
            self.per_listener.change,
        ):
            on(event, self.planned, planned, [self.plan], trigger_mode="always_last")
        self.gold.wire(demo, voice)
        said = [self.systems.picked, self.language]
        on(self.take.click, self.take_sentences, said, [self.sentences], progress="minimal")
        on(self.close.click, lambda: gr.Column(visible=False), None, [self.panel])

    # Handlers

    def fit(self, kind: str) -> tuple[Any, ...]:
        """Show what the type takes."""
        facts = Kind(kind).facts
        return (
            self._told(kind),
            gr.Radio(visible=kind == Kind.AB),
            gr.Number(visible=facts.traps),
            gr.Group(visible=facts.gold),
            gr.Number(visible=kind == Kind.MUSHRA),
        )

    def planned(
        self, kind: str, listeners: float | None, sentences: str, picked: Systems, per_listener: float | None
    ) -> str:
        lines = len([line for line in (sentences or "").splitlines() if line.strip()])
        beside = Kind(kind) is Kind.SMOS  # there the reference is heard, not rated
        items = items_of([one.form for one in picked if not (beside and one.reference)], lines)
        return plan_card(
            self.desk.words, Intent(Kind(kind), int(listeners or 2), items, int(per_listener or 0))
        )

    def take_sentences(self, picked: Systems, language: str, request: gr.Request) -> str:
        """What the first recordings say, one a line: then the others say the same."""
        actor = self.desk.actor(request)
        # The reference first: it is what the others are compared with.
        forms = [one.form for one in sorted(picked, key=lambda one: not one.reference)]
        return "\n".join(self.desk.studio.listening.said(actor, forms, language))
