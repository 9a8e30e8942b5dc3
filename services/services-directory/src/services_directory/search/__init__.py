"""Reading the stored documents: parameters, conditions, ranking, facets, envelopes."""
