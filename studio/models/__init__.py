"""The model store: catalogue, sources, verified downloads."""
