"""Where each language's page is. Light: the gate asks before Gradio is reached."""

PATHS = {"it": "/", "en": "/en"}
