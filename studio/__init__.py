"""Timbro: a voice studio with consent built in."""

import os

# ONNX Runtime (1.29 and later) reports to its maker from the moment it is imported, by every process. Nothing
# leaves this machine unasked: set here, before any room can import it, and inherited by every child.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
