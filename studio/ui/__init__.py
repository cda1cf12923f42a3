"""What a person sees: Gradio tabs, texts and theme."""
