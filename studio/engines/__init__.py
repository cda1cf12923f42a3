"""Speech engines behind one protocol; a folder for each."""
