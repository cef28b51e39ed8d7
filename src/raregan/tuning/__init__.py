"""Which variant, with which settings, learns the rare rows of a table best."""
