"""Datasets: recordings cut or imported, written down, reviewed, and handed to training."""
