"""Long work: live progress that outlives its page, and fair turns."""
