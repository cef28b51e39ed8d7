"""Is it any good: judges of synthetic rows that know nothing of generators."""
