"""Storage arrays, one file a model, found by being here."""
