"""Training: plans, the loop in its child process, checkpoints and adapters."""
