"""The pages without a browser: words, markup, handlers."""
