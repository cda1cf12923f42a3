"""The speakers' page: consent from one's own phone, with no account; looking, renewing, downloading, withdrawing."""
