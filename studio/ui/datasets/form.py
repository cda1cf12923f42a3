"""A new dataset: where the sounds come from, why they may be used, and the rest folded away."""

from pathlib import Path
from typing import Any

import gradio as gr

from studio.datasets.forms import MOST_CLIPS_OF, RECORDINGS, Basis, BuildRequest, Incoming
from studio.datasets.importers.registry import FORMATS
from studio.errors import InputRefused
from studio.privacy.access import Actor
from studio.ui.desk import Desk
from studio.ui.markup import esc

OWN, FILES, FOLDER = "own", "files", "folder"
FILE_TYPES = [".zip", ".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".webm"]
LANGUAGES = (
    "it", "en", "es", "fr", "de", "pt", "nl", "pl", "tr", "ru", "cs", "ar", "zh", "ja", "hu", "ro", "ko", "hi",
)  # fmt: skip
LICENCES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-3.0", "CC-BY-SA-4.0", "CC-BY-SA-3.0", "public domain")
CORPORA = tuple(name for name in FORMATS if name != "table")


class NewDataset:
    """Layout and reading; `inputs` are the fields in the order in which `read` takes them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        with gr.Accordion(words("datasets.new"), open=False, elem_id="dataset-new") as self.panel:
            with gr.Row():
                self.name = gr.Textbox(label=words("datasets.name"), max_length=60, elem_id="dataset-name")
                names = [(words.language_name(code), code) for code in LANGUAGES]
                self.language = gr.Dropdown(
                    names, value=words.language, label=words("datasets.language"), elem_id="dataset-language"
                )
            sources = [(words(f"datasets.from_{name}"), name) for name in (OWN, FILES, FOLDER)]
            self.origin = gr.Radio(sources, value=OWN, label=words("datasets.from"), elem_id="dataset-origin")
            self.told = gr.HTML(f'<p class="tb-dim">{esc(words("datasets.from_own_info"))}</p>')
            self.files = gr.File(
                file_count="multiple", file_types=FILE_TYPES, label=words("datasets.files"), height=140,
                visible=False, elem_id="dataset-files",
            )  # fmt: skip
            self.folder = gr.Dropdown(
                [], label=words("datasets.folder"), visible=False, elem_id="dataset-folder"
            )
            self._basis()
            self._advanced()
            self.go = gr.Button(words("datasets.go"), variant="primary", elem_id="dataset-go")

    def _basis(self) -> None:
        words = self.desk.words
        choices = [(words(f"datasets.basis.{one.value}"), one.value) for one in Basis]
        with gr.Group(visible=False) as self.rights:
            self.basis = gr.Radio(
                choices, value=Basis.CONSENT.value, label=words("datasets.whose"),
                info=words("datasets.whose_info"), elem_id="dataset-basis",
            )  # fmt: skip
            with gr.Row(visible=False) as self.corpus:
                self.licence = gr.Dropdown(
                    list(LICENCES), value="", label=words("datasets.licence"), allow_custom_value=True,
                    info=words("datasets.licence_info"), elem_id="dataset-licence",
                )  # fmt: skip
                self.source = gr.Textbox(
                    label=words("datasets.source"), info=words("datasets.source_info"), max_length=120,
                    elem_id="dataset-source",
                )  # fmt: skip
                self.attested = gr.Checkbox(
                    False, label=words("datasets.attested"), info=words("datasets.attested_info"),
                    elem_id="dataset-attested",
                )  # fmt: skip

    def _advanced(self) -> None:
        words = self.desk.words
        formats = [(words("datasets.format.auto"), "")]
        formats += [(words(f"datasets.format.{name}"), name) for name in (*FORMATS, RECORDINGS)]
        speakers = [(words("datasets.speakers_all"), ""), (words("datasets.speakers_most"), MOST_CLIPS_OF)]
        with gr.Accordion(words("datasets.more"), open=False):
            with gr.Row():
                self.format = gr.Dropdown(formats, value="", label=words("datasets.format_word"))
                self.speaker = gr.Dropdown(
                    speakers, value="", label=words("datasets.speakers"), allow_custom_value=True,
                    info=words("datasets.speakers_info"),
                )  # fmt: skip
                self.most = gr.Number(
                    0, precision=0, minimum=0, label=words("datasets.most"), info=words("datasets.most_info")
                )
            with gr.Row():
                self.share = gr.Slider(
                    2, 50, value=10, step=1, label=words("datasets.share"), info=words("datasets.share_info")
                )
                self.seed = gr.Number(
                    0, precision=0, minimum=0, label=words("datasets.seed"), info=words("datasets.seed_info")
                )
            self.listen = gr.Checkbox(
                True, label=words("datasets.listen"), info=words("datasets.listen_info")
            )
            self.skip = gr.Checkbox(
                False, label=words("datasets.skip"), info=words("datasets.skip_info"), elem_id="dataset-skip"
            )

    @property
    def inputs(self) -> list[Any]:
        return [
            self.name, self.language, self.origin, self.files, self.folder, self.basis, self.licence, self.source,
            self.format, self.speaker, self.most, self.share, self.seed, self.listen, self.skip,
            self.attested,
        ]  # fmt: skip

    def read(self, voice_id: str, values: tuple[Any, ...]) -> BuildRequest:
        """What the service takes. Files are handed over: it moves and removes them."""
        (
            name, language, origin, files, folder, basis, licence, source, format_, speaker, most, share, seed,
            listen, skip, attested,
        ) = values  # fmt: skip
        brought = tuple(Incoming(Path(path).name, Path(path)) for path in files or [])
        if not voice_id:
            raise InputRefused("datasets.no_voice")
        if origin == FILES and not brought:
            raise InputRefused("datasets.no_files")
        if origin == FOLDER and not folder:
            raise InputRefused("datasets.folder_unchosen")
        mine = origin == OWN or basis == Basis.CONSENT.value
        return BuildRequest(
            voice_id=voice_id,
            name=name or "",
            language=language or "",
            files=brought if origin == FILES else (),
            folder=folder if origin == FOLDER else "",
            format="" if origin == OWN else format_ or "",
            basis=Basis.CONSENT if mine else Basis.LICENCE,
            licence="" if mine else licence or "",
            attested=bool(attested) and not mine,
            source=source or "",
            speaker=speaker or "",
            seed=int(seed or 0),
            held_out_share=float(share or 10) / 100,
            skip_unusable=bool(skip),
            listen=bool(listen),
            most=int(most or 0),
        )

    @staticmethod
    def used_up(files: list[str] | None) -> Any:
        """After a refusal: files that were read and found wanting are gone, and the page lets go of them too;
        a form that was only filled in badly keeps them.
        """
        return gr.skip() if all(Path(path).exists() for path in files or []) else None

    # Wiring: what is shown follows what is chosen

    def wire(self) -> None:
        on = self.desk.on
        on(self.origin.change, self.follow, [self.origin], [self.told, self.files, self.folder, self.rights])
        on(self.basis.change, self.follow_basis, [self.basis], [self.corpus])

    def follow(self, origin: str, request: gr.Request) -> tuple[Any, ...]:
        """Files, folder or neither, and what is to be known of each."""
        actor = self.desk.actor(request)
        return (
            self._note(actor, origin),
            gr.File(visible=origin == FILES),
            self._folders(actor) if origin == FOLDER else gr.Dropdown(visible=False),
            gr.Group(visible=origin != OWN),
        )

    def _note(self, actor: Actor, origin: str) -> str:
        words, studio = self.desk.words, self.desk.studio
        free = words.megabytes(studio.datasets.free_bytes())
        told = words(
            f"datasets.from_{origin}_info", limit=studio.settings.upload_limit_mb, free=free,
            root=studio.settings.import_folder.name,
        )  # fmt: skip
        return f'<p class="tb-dim">{esc(told)}</p>'

    def _folders(self, actor: Actor) -> Any:
        words = self.desk.words
        found = self.desk.studio.datasets.folders(actor)
        choices = [(f"{name} · {words.megabytes(size)}", name) for name, size in found]
        none = "" if choices else words("datasets.no_folders")
        return gr.Dropdown(
            choices=choices, visible=True, value=choices[0][1] if choices else None, info=none or None
        )

    @staticmethod
    def follow_basis(basis: str) -> Any:
        return gr.Row(visible=basis == Basis.LICENCE.value)
