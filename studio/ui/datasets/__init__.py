"""The datasets tab."""
