"""build_ui(studio) -> gr.Blocks: one page a language, with the same tabs, driven by one voice selector."""

import gradio as gr

from studio.bootstrap import Studio
from studio.ui.audit.tab import build_audit_tab
from studio.ui.clone.tab import build_clone_tab
from studio.ui.datasets.tab import build_datasets_tab
from studio.ui.desk import Desk
from studio.ui.header import build_header
from studio.ui.jobs.tab import build_jobs_tab
from studio.ui.listen.tab import build_listen_tab
from studio.ui.models.tab import build_models_tab
from studio.ui.pages import Pages
from studio.ui.privacy.tab import build_privacy_tab
from studio.ui.results.tab import build_results_tab
from studio.ui.settings.tab import build_settings_tab
from studio.ui.training.tab import build_train_tab
from studio.ui.voices.tab import build_voices_tab
from studio.ui.words import Words


def build_ui(studio: Studio) -> gr.Blocks:
    """All pages: Italian at /, English at /en. Call after `studio.web.server.prepare`.

    The words are in the components, not in the browser: gr.I18n follows the browser's language alone and
    would leave no choice. A page is rebuilt from the database when it is loaded, so switching loses nothing
    but a form that was not saved.
    """
    words = {"": Words("it"), "en": Words("en")}
    demo = Pages(words, title="Timbro", analytics_enabled=False, fill_width=True)
    with demo:
        build_page(studio, words[""], demo)
    with demo.route("English", "/en", show_in_navbar=False):
        build_page(studio, words["en"], demo)
    demo.queue(default_concurrency_limit=8, max_size=200)
    return demo


def build_page(studio: Studio, words: Words, demo: gr.Blocks) -> None:
    """One language's page."""
    gr.Navbar(visible=False)
    still = gr.Textbox(elem_id="still", show_label=False, container=False)
    desk = Desk(studio, words, still)
    header = build_header(desk, demo)
    launched: gr.State = gr.State(0)  # not among the tabs: Gradio would count it as one
    with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
        with gr.Tab(words("tab.voices"), id="voices"):
            build_voices_tab(desk, demo, header, tabs)
        with gr.Tab(words("tab.clone"), id="clone"):
            build_clone_tab(desk, demo, header, tabs)
        with gr.Tab(words("tab.datasets"), id="datasets"):
            build_datasets_tab(desk, demo, header, tabs)
        with gr.Tab(words("tab.train"), id="train"):
            build_train_tab(desk, demo, header, tabs, launched)
        with gr.Tab(words("tab.jobs"), id="jobs"):
            build_jobs_tab(desk, demo, header, tabs, launched)
        with gr.Tab(words("tab.results"), id="results"):
            build_results_tab(desk, demo, header)
        with gr.Tab(words("tab.listen"), id="listen"):
            build_listen_tab(desk, demo, header)
        with gr.Tab(words("tab.models"), id="models"):
            build_models_tab(desk, demo, header)
        with gr.Tab(words("tab.privacy"), id="privacy"):
            build_privacy_tab(desk, demo, header)
        with gr.Tab(words("tab.audit"), id="audit", visible=False) as audit_tab:
            build_audit_tab(desk, demo, audit_tab)
        with gr.Tab(words("tab.settings"), id="settings"):
            build_settings_tab(desk, demo, header)
