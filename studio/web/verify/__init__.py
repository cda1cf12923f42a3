"""The public page that says whether a file was generated here."""
