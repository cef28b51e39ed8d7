"""A contest: whether synthetic rows help a classifier, against what the user has today."""
