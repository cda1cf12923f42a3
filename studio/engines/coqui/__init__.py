"""The coqui-tts catalogue: VITS, Tacotron 2, FastSpeech 2, MMS, and its voice conversion."""
