"""Training: the loop, its child process and the jobs around them."""
