"""The listeners' page: rating by a link, with no account."""
