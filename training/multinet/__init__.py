"""Road and cars in one network: what MultiNet trains on, its targets, losses and predictions (MODELS 4.1)."""
